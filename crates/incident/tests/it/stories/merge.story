# What was wrong twice is one: its open alerts go on in the target, and whoever heard of it hears of the target's end.
step 5m ana
step 5m ben
at 0s trigger disk error
expect page ana step 1 round 1
incident 2
at 10s trigger mount warning
expect page ana step 1 round 1
at 10s trigger share warning
at 20s resolve share
incident 1
at 1m merge 2 zoe
expect cancel 1
expect line merged merged into INC-1 with 1 open alert: disk
expect line merged INC-2 was merged into it: mount (+1 more)
expect status triggered
expect headline disk (+1 more)
incident 2
expect status resolved
expect nothing pending
# Whatever is said of it by then is said too late.
at 2m ack ana
expect line note acknowledged it by web after it was resolved
at 2m trigger other critical
expect line ignored needs an incident of its own
incident 1
at 5m expect page ben step 2 round 1
at 6m resolve disk
expect status triggered
at 7m resolve mount
expect status resolved
expect notice ana,ben
expect notice of 2 ana
---
# Somebody has the target, and the source is not worse: nobody is paged, and what rings for the source stops.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
at 1m ack ana
incident 2
at 2m trigger mount error
expect page ana step 1 round 1
incident 1
at 3m merge 2 ana
expect ack-notice of 2 ana
expect line not_paged not worse
expect status acknowledged
expect no page until 1h
at 1h close ana
expect alerts closed disk,mount
expect notice ana
expect notice of 2 ana
---
# The source is worse than what somebody has: it pages like an alert that got worse.
step 5m ana
step 5m ben
at 0s trigger disk error
expect page ana step 1 round 1
at 1m ack ana
incident 2
at 2m trigger mount critical
expect page ana step 1 round 1
incident 1
at 3m merge 2 zoe
expect line severity_raised critical
expect page ana step 1 round 1
expect status triggered
expect generation 1
at 8m expect page ben step 2 round 1
---
# Unless somebody had the source, too.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
at 1m ack ana
incident 2
at 2m trigger mount critical
expect page ana step 1 round 1
at 2m ack ben
expect ack-notice ana
incident 1
at 3m merge 2 ana
expect status acknowledged
expect no page until 1h
# From now on only what is worse than both pages again: nothing is.
at 1h trigger root critical
expect no page until 2h
at 2h close ana
expect notice ana
expect notice of 2 ana
---
# Nobody is left to be asked for the target, and somebody was for the source: the policy begins anew.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
at 5m expect catch-all
expect unanswered
incident 2
at 6m trigger mount error
expect page ana step 1 round 1
incident 1
at 7m merge 2 zoe
expect page ana step 1 round 2
at 12m expect catch-all
at 13m close ana
expect notice ana catch-all
expect notice of 2 ana
---
# A silence covers the target and not the source: it pages at once, as for an alert that joins and is not covered.
step 5m ana
at 0s trigger disk error silenced
incident 2
at 1m trigger mount warning
expect page ana step 1 round 1
incident 1
at 2m merge 2 zoe
expect page ana step 1 round 1
at 3m close ana
expect notice ana
expect notice of 2 ana
---
# The other way round nothing is forgotten either: the target goes on, and the silence's end changes nothing.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
incident 2
at 1m trigger mount critical silenced
incident 1
at 2m merge 2 zoe
at 3m silence ended
at 5m expect catch-all
at 6m close ana
expect notice ana catch-all
---
# All is calm in the target, and open alerts come: it goes on, but has not come back by itself.
service resolve_delay 10m
step 5m ana
step 5m ben
at 0s trigger disk error
expect page ana step 1 round 1
at 1m resolve disk
expect pending resolve_calm at 11m
incident 2
at 2m trigger mount error
expect page ana step 1 round 1
incident 1
at 3m merge 2 zoe
expect pending escalate at 5m
at 5m expect page ben step 2 round 1
at 6m resolve mount
at 16m expect status resolved
expect notice ana,ben
expect notice of 2 ana
---
# What is over already in the source adds nothing but who heard of it.
service resolve_delay 10m
step 5m ana
at 0s trigger disk warning
expect page ana step 1 round 1
at 1m ack ana
incident 2
at 2m trigger mount critical
expect page ana step 1 round 1
at 3m resolve mount
incident 1
at 4m merge 2 zoe
expect status acknowledged
expect headline disk
expect no page until 1h
at 1h close ana
expect notice ana
expect notice of 2 ana
---
# One after the other: the last one tells for all.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
incident 2
at 1m trigger mount error
expect page ana step 1 round 1
incident 3
at 2m trigger share error
expect page ana step 1 round 1
at 2m merge 2 zoe
incident 1
at 3m merge 3 zoe
at 4m merge 2 fails INC-2 was merged into INC-3 already
at 4m merge 3 fails INC-3 was merged into INC-1 already
at 4m resolve disk
at 4m resolve mount
at 4m resolve share
expect status resolved
expect notice ana
expect notice of 2 ana
expect notice of 3 ana
incident 4
at 5m trigger root error
expect page ana step 1 round 1
at 5m merge 1 fails INC-1 is over: only what is open can be merged
incident 1
at 5m merge 4 fails INC-1 is over: merge into one that is open
incident 3
at 5m merge 4 fails INC-3 was itself merged into INC-1: merge into that one
