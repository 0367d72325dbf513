IFS= read -r token
IFS= read -r bundle
ended() { code=$?; trap - EXIT; [ "$code" = 0 ] || undo; rm -rf "$STAGE"; exit "$code"; }
trap ended EXIT
trap 'exit 1' HUP INT TERM PIPE
say step place
said=$(mkdir -p "${bin%/*}" "${policy%/*}" "$state" 2>&1) || fail E_PLACE "$said"
chmod 755 /opt/watchtower "${bin%/*}" "${policy%/*}"; chmod 711 "$state"
rm -rf "$previous"; mkdir -m 700 "$previous" || fail E_PLACE "$previous cannot be made"
for kept in "$bin" "$unit" "$state/identity.key" "$state/bundle.json"; do
  [ ! -e "$kept" ] || said=$(cp -p "$kept" "$previous/" 2>&1) || fail E_PLACE "$said"
done
said=$(cp "$STAGE/agent" "$bin.new" 2>&1) || fail E_PLACE "$said"
chmod 755 "$bin.new"
mv -f "$bin.new" "$bin"
if [ ! -e "$policy" ]; then
  printf '# What the hub may do on this server: monitor, allowlist or full. Only root on this server can change it.\nmode = "%s"\n' "$POLICY" > "$policy" || fail E_PLACE "$policy cannot be written"
  chmod 644 "$policy"
fi
printf '%s\n' "$UNIT" > "$unit.new" && chmod 644 "$unit.new" && mv -f "$unit.new" "$unit" || fail E_PLACE "$unit cannot be written"
if command -v restorecon >/dev/null 2>&1; then restorecon -RF /opt/watchtower /etc/watchtower "$state" "$unit" 2>/dev/null; fi
said=$("$bin" --version 2>&1) || fail E_NOEXEC "$said"
case $HAD in *active*) systemctl stop watchtower-agent.service ;; esac
if [ -n "$token" ]; then
  say step enrol
  [ -z "$RENEW" ] || rm -f "$state/identity.key"
  said=$(printf '%s\n%s\n' "$token" "$bundle" | timeout 60 "$bin" enrol --state-dir "$state" $TAKEOVER 2>&1) || fail E_ENROL "$said"
fi
if [ -n "$START" ]; then
  say step start
  start
fi
rmdir "$previous" 2>/dev/null
say placed yes
