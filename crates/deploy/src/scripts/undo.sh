# Back to what was there before: the program, unit and identity that were kept, and nothing where there was nothing.
undo() {
  systemctl stop watchtower-agent.service >/dev/null 2>&1
  for pair in "watchtower-agent:$bin" "watchtower-agent.service:$unit" "identity.key:$state/identity.key" "bundle.json:$state/bundle.json"; do
    kept=$previous/${pair%%:*}; place=${pair#*:}
    if [ -e "$kept" ]; then cp -p "$kept" "$place.new" && mv -f "$place.new" "$place"
    else case $pair in
      watchtower-agent.service:*) systemctl disable --quiet watchtower-agent.service >/dev/null 2>&1; rm -f "$place" ;;
      *) rm -f "$place" ;;
    esac; fi
  done
  rm -rf "$previous" "$bin.new"
  case $HAD in *policy*) ;; *) rm -f "$policy" ;; esac
  case $HAD in *state*) ;; *) rm -rf "$state" ;; esac
  rmdir "${bin%/*}" 2>/dev/null
  case $HAD in *opt*) ;; *) rmdir /opt/watchtower 2>/dev/null ;; esac
  case $HAD in *etc*) ;; *) rmdir /etc/watchtower 2>/dev/null ;; esac
  systemctl daemon-reload >/dev/null 2>&1
  case $HAD in *active*) systemctl restart watchtower-agent.service ;; *) systemctl reset-failed watchtower-agent.service >/dev/null 2>&1 ;; esac
  return 0
}
