IFS= read -r token
IFS= read -r bundle
ended() { code=$?; trap - EXIT; [ "$code" = 0 ] || undo; rm -rf "$STAGE"; exit "$code"; }
trap ended EXIT
trap 'exit 1' HUP INT TERM PIPE
say step place
if ! getent passwd watchtower >/dev/null; then
  said=$(useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin watchtower 2>&1) || fail E_PLACE "$said"
fi
said=$(mkdir -p "${bin%/*}" "${policy%/*}" "$state" "$executor" 2>&1) || fail E_PLACE "$said"
chmod 755 /opt/watchtower "${bin%/*}" "${policy%/*}"
rm -rf "$previous" "$previous.new" "$previous.old"; mkdir -m 700 "$previous" || fail E_PLACE "$previous cannot be made"
for kept in "$bin" "$unit" "$socket" "$service" "$state/identity.key" "$state/bundle.json"; do
  [ ! -e "$kept" ] || said=$(cp -p "$kept" "$previous/" 2>&1) || fail E_PLACE "$said"
done
said=$(cp "$STAGE/agent" "$bin.new" 2>&1) || fail E_PLACE "$said"
chmod 755 "$bin.new"
# What an update over the connection left would put itself back over this one.
rm -f "$bin.former" "$bin.staged"
mv -f "$bin.new" "$bin"
if [ ! -e "$policy" ]; then
  printf '# What the hub may do on this server: monitor, allowlist or full. Only root on this server can change it.\n# After leaving monitor: systemctl enable --now watchtower-executor.socket\nmode = "%s"\n' "$POLICY" > "$policy" || fail E_PLACE "$policy cannot be written"
  chmod 644 "$policy"
fi
place() { printf '%s\n' "$2" > "$1.new" && chmod 644 "$1.new" && mv -f "$1.new" "$1" || fail E_PLACE "$1 cannot be written"; }
place "$unit" "$UNIT"; place "$socket" "$SOCKET"; place "$service" "$SERVICE"
if command -v restorecon >/dev/null 2>&1; then restorecon -RF /opt/watchtower /etc/watchtower "$state" "$executor" "$unit" "$socket" "$service" 2>/dev/null; fi
said=$("$bin" --version 2>&1) || fail E_NOEXEC "$said"
case $HAD in *active*) systemctl stop watchtower-agent.service ;; esac
# An agent of one process kept its journal and halt switch here: what it ran is never run again.
for file in journal halt; do
  if [ -e "$state/$file" ] && [ ! -e "$executor/$file" ]; then mv "$state/$file" "$executor/$file" || fail E_PLACE "$executor/$file cannot be written"; fi
done
chown -R -h watchtower:watchtower "$state"; chmod 700 "$state"
chown root:root "$executor"; chmod 711 "$executor"
if [ -n "$token" ]; then
  say step enrol
  [ -z "$RENEW" ] || rm -f "$state/identity.key"
  said=$(printf '%s\n%s\n' "$token" "$bundle" | timeout 60 "$bin" enrol --state-dir "$state" --executor-dir "$executor" $TAKEOVER 2>&1) || fail E_ENROL "$said"
fi
await_go
say step start
start
rmdir "$previous" 2>/dev/null
say placed yes
