if [ -x "$bin" ]; then
  said=$(timeout 60 "$bin" uninstall --yes 2>&1) || say note "$(printf %s "$said" | tr '\n' ' ')"
fi
systemctl disable --now --quiet watchtower-agent.service watchtower-executor.socket watchtower-executor.service >/dev/null 2>&1
systemctl stop 'watchtower-exec-*' >/dev/null 2>&1
rm -rf "$previous" "$previous.new" "$previous.old" "$state" "$executor"
rm -f "$bin" "$bin.new" "$bin.former" "$bin.staged" "$policy"
for place in "$unit" "$socket" "$service"; do rm -f "$place" "$place.new"; done
userdel watchtower >/dev/null 2>&1
rm -rf /opt/.watchtower-stage.* /.watchtower-stage.* /opt/watchtower/.watchtower-stage.*  "${bin%/*}"/.watchtower-stage.*
rmdir "${bin%/*}" /opt/watchtower /etc/watchtower 2>/dev/null
systemctl daemon-reload >/dev/null 2>&1
systemctl reset-failed watchtower-agent.service >/dev/null 2>&1
say step verify
for path in "$bin" "$previous" "$unit" "$socket" "$service" "$policy" "$state" "$executor" \
  "$units/multi-user.target.wants/watchtower-agent.service" "$units/sockets.target.wants/watchtower-executor.socket"; do
  { [ -e "$path" ] || [ -L "$path" ]; } && say left "$path"
done
! getent passwd watchtower >/dev/null 2>&1 || say left "the user watchtower"
systemctl is-active --quiet watchtower-agent.service 2>/dev/null && say left "the running service"
say removed yes
