# The proxy that systemd gives to services, and no other: the agent will run as one.
unset https_proxy HTTPS_PROXY
for pair in $(systemctl show-environment 2>/dev/null | grep -i '^https_proxy='); do export "$pair"; done
