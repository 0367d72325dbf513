# Back to what was there before: the program, units and identity that were kept, and nothing where there was nothing.
undo() {
  systemctl stop watchtower-agent.service watchtower-executor.socket watchtower-executor.service >/dev/null 2>&1
  for place in "$bin" "$unit" "$socket" "$service" "$state/identity.key" "$state/bundle.json"; do
    kept=$previous/${place##*/}
    if [ -e "$kept" ]; then cp -p "$kept" "$place.new" && mv -f "$place.new" "$place"
    else case $place in
      "$units"/*) systemctl disable --quiet "${place##*/}" >/dev/null 2>&1; rm -f "$place" ;;
      *) rm -f "$place" ;;
    esac; fi
  done
  # An agent of one process keeps journal and halt switch in its own folder.
  case $HAD in *executor*) ;; *)
    for file in journal halt; do [ ! -e "$executor/$file" ] || mv -f "$executor/$file" "$state/$file"; done
    rm -rf "$executor" ;;
  esac
  rm -rf "$previous" "$bin.new"
  case $HAD in *policy*) ;; *) rm -f "$policy" ;; esac
  case $HAD in *state*) ;; *) rm -rf "$state" ;; esac
  case $HAD in *user*) ;; *) userdel watchtower >/dev/null 2>&1; [ ! -d "$state" ] || chown -R -h root:root "$state" ;; esac
  rmdir "${bin%/*}" 2>/dev/null
  case $HAD in *opt*) ;; *) rmdir /opt/watchtower 2>/dev/null ;; esac
  case $HAD in *etc*) ;; *) rmdir /etc/watchtower 2>/dev/null ;; esac
  systemctl daemon-reload >/dev/null 2>&1
  case $HAD in *socket*) systemctl enable --quiet --now watchtower-executor.socket >/dev/null 2>&1 ;; esac
  case $HAD in *active*) systemctl restart watchtower-agent.service ;; *) systemctl reset-failed watchtower-agent.service >/dev/null 2>&1 ;; esac
  return 0
}
