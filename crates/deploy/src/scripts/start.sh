# Whoever waits for the first report must know which was the last one before. One that is gone takes everything back.
await_go() {
  say stopped yes
  IFS= read -r go || exit 1
}
start() {
  case "$("$bin" policy show 2>/dev/null | sed -n 's/^ *"mode": *"\([a-z]*\)".*/\1/p')" in
    allowlist|full) listens=watchtower-executor.socket ;;
    *) listens=; systemctl --no-reload disable --quiet --now watchtower-executor.socket >/dev/null 2>&1 ;;
  esac
  # Each of them by itself would have systemd read all units anew.
  said=$(systemctl --no-reload enable --quiet watchtower-agent.service $listens 2>&1) || fail E_SERVICE "$said"
  systemctl daemon-reload
  # An executor of an older version, where there may be one, ends; its socket starts the new one. What it started goes on.
  case ${HAD-executor} in *executor*) systemctl stop watchtower-executor.service >/dev/null 2>&1 ;; esac
  [ -z "$listens" ] || said=$(systemctl start "$listens" 2>&1) || fail E_SERVICE "$said"
  said=$(systemctl restart watchtower-agent.service 2>&1) || fail E_SERVICE "$said"
}
