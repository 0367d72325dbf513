# What is kept and what is there change places. A cut in the middle leaves what was there.
fresh=$previous.new
old=$previous.old
# From a folder to their places; what it does not have stays.
put() {
  for place in "$bin" "$unit" "$socket" "$service"; do
    [ ! -e "$1/${place##*/}" ] || { cp -p "$1/${place##*/}" "$place.new" && mv -f "$place.new" "$place"; } || return 1
  done
  if command -v restorecon >/dev/null 2>&1; then restorecon -RF /opt/watchtower "$unit" "$socket" "$service" 2>/dev/null; fi
  return 0
}
ended() {
  code=$?; trap - EXIT
  if [ "$code" != 0 ]; then
    [ ! -d "$old" ] || { [ -d "$fresh" ] || mv "$previous" "$fresh"; mv "$old" "$previous"; }
    [ ! -d "$fresh" ] || put "$fresh"
    rm -rf "$fresh"
    systemctl daemon-reload >/dev/null 2>&1
    systemctl stop watchtower-executor.service >/dev/null 2>&1
    case $HAD in *active*) systemctl restart watchtower-agent.service ;; esac
  fi
  exit "$code"
}
said=$("$previous/${bin##*/}" --version 2>&1) || fail E_NOEXEC "$said"
rm -rf "$fresh" "$old"; mkdir -m 700 "$fresh" || fail E_PLACE "$fresh cannot be made"
trap ended EXIT
trap 'exit 1' HUP INT TERM PIPE
for place in "$bin" "$unit" "$socket" "$service"; do
  [ ! -e "$place" ] || said=$(cp -p "$place" "$fresh/" 2>&1) || fail E_PLACE "$said"
done
systemctl stop watchtower-agent.service
# What an update over the connection left would put itself back over this one.
rm -f "$bin.former" "$bin.staged"
said=$(put "$previous" 2>&1) || fail E_PLACE "$said"
[ -z "$NOTE" ] || printf '%s\n' "$NOTE" > "$fresh/begun" || fail E_PLACE "$fresh cannot be written"
mv "$previous" "$old" && mv "$fresh" "$previous" || fail E_PLACE "$previous cannot be exchanged"
await_go
start
trap - EXIT HUP INT TERM PIPE
rm -rf "$old"
say exchanged yes
