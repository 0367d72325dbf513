say uid "$(id -u)"
say kernel "$(uname -s)"
say arch "$(uname -m)"
say bits "$(getconf LONG_BIT 2>/dev/null)"
say init "$(cat /proc/1/comm 2>/dev/null)"
[ ! -d /run/systemd/system ] || say systemd yes
say os "$(sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' /etc/os-release 2>/dev/null | head -n 1)"
say clock "$(date +%s)"
if [ "$(id -u)" != 0 ]; then
  for tool in sudo doas; do
    command -v $tool >/dev/null 2>&1 || continue
    said=$($tool -n /bin/sh -c "echo $W" </dev/null 2>&1 | tr '\n' ' ')
    case $said in
      *"$W"*) say $tool free ;;
      *) say $tool "asks $said" ;;
    esac
  done
fi
