if [ -x "$bin" ]; then
  said=$(timeout 60 "$bin" uninstall --yes 2>&1) || say note "$(printf %s "$said" | tr '\n' ' ')"
fi
systemctl disable --now --quiet watchtower-agent.service >/dev/null 2>&1
rm -rf "$previous" "$state"
rm -f "$bin" "$bin.new" "$unit" "$unit.new" "$policy"
rm -rf /opt/.watchtower-stage.* /.watchtower-stage.* /opt/watchtower/.watchtower-stage.*  "${bin%/*}"/.watchtower-stage.*
rmdir "${bin%/*}" /opt/watchtower /etc/watchtower 2>/dev/null
systemctl daemon-reload >/dev/null 2>&1
systemctl reset-failed watchtower-agent.service >/dev/null 2>&1
say step verify
for path in "$bin" "$previous" "$unit" "$policy" "$state" /etc/systemd/system/multi-user.target.wants/watchtower-agent.service; do
  { [ -e "$path" ] || [ -L "$path" ]; } && say left "$path"
done
systemctl is-active --quiet watchtower-agent.service 2>/dev/null && say left "the running service"
say removed yes
