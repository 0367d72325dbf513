start() {
  systemctl daemon-reload
  said=$(systemctl enable --quiet watchtower-agent.service 2>&1) || fail E_SERVICE "$said"
  said=$(systemctl restart watchtower-agent.service 2>&1) || fail E_SERVICE "$said"
}
