# Alerts that begin together are one page; each that joins keeps the door open for a minute more.
service group_window 60s
step 5m ana
step 5m ben
at 0s trigger web-1 critical
expect page ana step 1
expect headline web-1
at 59s expect gathers
at 59s trigger web-2 critical
expect line alert_added 2 by now: web-2
expect headline web-1 (+1 more)
at 118s expect gathers
at 119s expect gathers nothing
# A repetition is nothing new.
at 120s trigger web-2 critical
expect gathers nothing
# Nobody answered: the next step hears of all of them.
at 5m expect page ben step 2
at 6m resolve web-1
expect status triggered
at 7m resolve web-2
expect notice ana,ben
---
# Whoever has answered is told of what comes after: it gets an incident of its own.
service group_window 60s
step 5m ana
at 0s trigger web-1 critical
expect page ana step 1
at 10s ack ana
expect gathers nothing
---
# Nor does an alert join where nobody is left to be paged, or nobody is paged at all.
service group_window 10m
step 1m ana
at 0s trigger web-1 critical
expect page ana step 1
at 1m expect catch-all
expect gathers nothing
---
service group_window 10m
step 1m ana
at 0s trigger web-1 critical silenced
expect line not_paged suppressed
expect gathers nothing
---
# Without a window each has its own.
step 1m ana
at 0s trigger web-1 critical
expect page ana step 1
expect gathers nothing
at 1s ack ana
---
# Repairs of many servers that fail together are one page too.
service group_window 60s
step 30m ana
step 30m ben
step 30m cem
at 0s trigger web-1 critical
expect page ana step 1
at 1s trigger web-2 critical
at 2s trigger web-3 critical
at 30s run not_fixed still bad
expect page ben step 2
at 31s run not_fixed still bad
expect line not_paged less than a minute ago
at 32s run failed
expect line not_paged less than a minute ago
at 33s ack ben
