exists() { f=$1; while [ ! -d "$f" ]; do f=${f%/*}; [ -n "$f" ] || f=/; done; printf %s "$f"; }
room() {
  df -Pk "$1" 2>/dev/null | { read -r _; read -r _ _ _ free _; say room "$free"; }
}
writable() {
  where=$(exists "$2")
  t=$(mktemp -d "${where%/}/.watchtower-stage.XXXXXX" 2>&1) || { say writable "$1 no $where $t"; return; }
  if ! printf '#!/bin/sh\nexit 0\n' 2>/dev/null > "$t/x"; then say writable "$1 full $where"
  elif [ "$1" = program ] && { ! chmod 700 "$t/x" || ! "$t/x" 2>/dev/null; }; then say writable "$1 noexec $where"
  else say writable "$1 yes $where"
  fi
  rm -rf "$t"
}
writable program "${bin%/*}"
writable unit "${unit%/*}"
writable policy "${policy%/*}"
writable state "$state"
room "$(exists "${bin%/*}")"
for left in /opt/.watchtower-stage.*; do [ ! -d "$left" ] || { say had stage; break; }; done
[ ! -d /opt/watchtower ] || say had opt
[ ! -d /etc/watchtower ] || say had etc
[ ! -d "$state" ] || say had state
[ ! -d "$executor" ] || say had executor
! getent passwd watchtower >/dev/null 2>&1 || say had user
[ ! -e "$socket" ] || ! systemctl is-enabled --quiet watchtower-executor.socket 2>/dev/null || say had socket
[ ! -e "$policy" ] || say policy "$(sed -n 's/^ *mode *= *"\{0,1\}\([a-z]*\).*/\1/p' "$policy" | head -n 1)"
[ ! -e "$unit" ] || say unit "$(cat "$unit" "$socket" "$service" 2>/dev/null | sha256sum)"
if [ -e "$state/identity.key" ]; then
  say identity yes
  said=$(timeout 10 "$bin" id --state-dir "$state" 2>/dev/null) && say agent "$said"
fi
if [ -e "$bin" ]; then
  say program "$(sha256sum < "$bin")"
  say version "$(timeout 10 "$bin" --version 2>&1 | head -n 1)"
fi
if [ -e "$previous/${bin##*/}" ]; then
  say kept "$(sha256sum < "$previous/${bin##*/}")"
  say kept_version "$(timeout 10 "$previous/${bin##*/}" --version 2>&1 | head -n 1)"
  # An agent of one process has no executor.
  kept=$(cd "$previous" && cat "${unit##*/}" "${socket##*/}" "${service##*/}" 2>/dev/null) && say kept_unit "$(printf '%s\n' "$kept" | sha256sum)"
  for note in begun done; do [ ! -e "$previous/$note" ] || say rollback $note "$(cat "$previous/$note")"; done
fi
[ ! -e "$state/bundle.json" ] || say hub "$(tr -d '\n' < "$state/bundle.json" | sed -n 's/.*"hub_id" *: *"\([^"]*\)".*/\1/p')"
[ -e "$unit" ] && systemctl is-active --quiet watchtower-agent.service 2>/dev/null && say active yes
say selinux "$(getenforce 2>/dev/null)"
