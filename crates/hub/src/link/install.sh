#!/bin/sh
# Installs the Watchtower agent of server @SERVER@ and enrols it. Run as root; running it again is safe.
set -eu
umask 077
say() { echo "watchtower: $*" >&2; }
fail() { say "$*"; exit 1; }
[ "$(id -u)" = 0 ] || fail "run this as root: pipe it into 'sudo sh'"
command -v curl >/dev/null || fail "curl is missing: install it and repeat"
case "$(uname -m)" in
  x86_64|amd64) arch=x86_64 ;;
  aarch64|arm64) arch=aarch64 ;;
  *) fail "no agent for the architecture $(uname -m)" ;;
esac
sum=
case "$arch" in
@CHECKSUMS@esac
[ -n "$sum" ] || fail "this hub does not ship an agent for $arch"
[ -d /run/systemd/system ] || fail "this installer needs systemd as process 1"

stage=$(mktemp -d /var/tmp/watchtower.XXXXXX)
trap 'rm -rf "$stage"' EXIT INT TERM
say "downloading the agent for $arch"
curl -fsS -k --pinnedpubkey 'sha256//@PIN@' -o "$stage/agent" '@URL@/install/@TOKEN@/agent-'"$arch"
echo "$sum  $stage/agent" | sha256sum -c --quiet - || fail "the agent's checksum does not match: nothing was installed"

# The collector's user owns nothing but its own state.
if ! getent passwd watchtower >/dev/null; then
  useradd --system --user-group --home-dir /var/lib/watchtower --no-create-home --shell /usr/sbin/nologin watchtower ||
    fail "the user watchtower cannot be made"
fi
systemctl stop watchtower-agent.service 2>/dev/null || true
mkdir -p /opt/watchtower/bin /etc/watchtower /var/lib/watchtower /var/lib/watchtower-executor
chmod 755 /opt/watchtower /opt/watchtower/bin /etc/watchtower
# An agent of one process kept its journal and halt switch here: what it ran is never run again.
for file in journal halt; do
  if [ -e "/var/lib/watchtower/$file" ] && [ ! -e "/var/lib/watchtower-executor/$file" ]; then
    mv "/var/lib/watchtower/$file" "/var/lib/watchtower-executor/$file"
  fi
done
chown -R -h watchtower:watchtower /var/lib/watchtower
chmod 700 /var/lib/watchtower
chown root:root /var/lib/watchtower-executor
chmod 711 /var/lib/watchtower-executor
install -m 755 "$stage/agent" /opt/watchtower/bin/watchtower-agent.new
# What an update over the connection left would put itself back over this one.
rm -f /opt/watchtower/bin/watchtower-agent.former /opt/watchtower/bin/watchtower-agent.staged
mv -f /opt/watchtower/bin/watchtower-agent.new /opt/watchtower/bin/watchtower-agent
/opt/watchtower/bin/watchtower-agent --version >/dev/null || fail "the agent does not run on this system"
# The local policy is this server's own: an existing one is never touched.
if [ ! -e /etc/watchtower/policy.toml ]; then
  printf '# What the hub may do on this server: monitor, allowlist or full. Only root on this server can change it.\n# After leaving monitor: systemctl enable --now watchtower-executor.socket\nmode = "%s"\n' "${WATCHTOWER_POLICY:-full}" > /etc/watchtower/policy.toml
  chmod 644 /etc/watchtower/policy.toml
fi
say "local policy: $(sed -n 's/^ *mode *= *//p' /etc/watchtower/policy.toml) (/etc/watchtower/policy.toml decides what the hub may run here)"
cat > /etc/systemd/system/watchtower-agent.service <<'UNIT'
@AGENT_UNIT@
UNIT
cat > /etc/systemd/system/watchtower-executor.socket <<'UNIT'
@EXECUTOR_SOCKET@
UNIT
cat > /etc/systemd/system/watchtower-executor.service <<'UNIT'
@EXECUTOR_UNIT@
UNIT
for unit in watchtower-agent.service watchtower-executor.socket watchtower-executor.service; do
  chmod 644 "/etc/systemd/system/$unit"
done
say "enrolling"
/opt/watchtower/bin/watchtower-agent enrol --state-dir /var/lib/watchtower --executor-dir /var/lib/watchtower-executor <<'SECRET'
@TOKEN@
@BUNDLE@
SECRET
systemctl daemon-reload
# One of an older version ends; its socket starts the new one. What it started goes on.
systemctl stop watchtower-executor.service 2>/dev/null || true
case "$(/opt/watchtower/bin/watchtower-agent policy show | sed -n 's/^ *"mode": *"\([a-z]*\)".*/\1/p')" in
  allowlist|full) systemctl enable --quiet --now watchtower-executor.socket ;;
  *) systemctl disable --quiet --now watchtower-executor.socket 2>/dev/null || true ;;
esac
systemctl enable --quiet watchtower-agent.service
systemctl restart watchtower-agent.service
say "done: the agent runs and reports"
