say service "$(systemctl show -p ActiveState -p SubState -p NRestarts -p ExecMainStatus watchtower-agent.service 2>/dev/null | tr '\n' ' ')"
journalctl -u watchtower-agent.service -n "$LINES_MAX" --no-pager -o cat 2>/dev/null | while IFS= read -r line; do say log "$line"; done
if [ "$(getenforce 2>/dev/null)" = Enforcing ]; then
  journalctl -n 200 --no-pager -o cat _TRANSPORT=audit 2>/dev/null | grep 'avc: *denied' | grep watchtower | tail -n 5 | while IFS= read -r line; do say avc "$line"; done
fi
