LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
umask 022
say() { printf '%s %s\n' "$W" "$*"; }
fail() { say fail "$1" "$(printf %s "$2" | tr '\n' ' ')"; exit 1; }
bin=/opt/watchtower/bin/watchtower-agent
previous=/opt/watchtower/previous
unit=/etc/systemd/system/watchtower-agent.service
policy=/etc/watchtower/policy.toml
state=/var/lib/watchtower
