start() {
  systemctl daemon-reload
  # An executor of an older version ends; its socket starts the new one. What it started goes on.
  systemctl stop watchtower-executor.service >/dev/null 2>&1
  case "$("$bin" policy show 2>/dev/null | sed -n 's/^ *"mode": *"\([a-z]*\)".*/\1/p')" in
    allowlist|full) said=$(systemctl enable --quiet --now watchtower-executor.socket 2>&1) || fail E_SERVICE "$said" ;;
    *) systemctl disable --quiet --now watchtower-executor.socket >/dev/null 2>&1 ;;
  esac
  said=$(systemctl enable --quiet watchtower-agent.service 2>&1) || fail E_SERVICE "$said"
  said=$(systemctl restart watchtower-agent.service 2>&1) || fail E_SERVICE "$said"
}
