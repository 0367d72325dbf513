# It goes and comes: one incident, one page, and the end is told once it stayed away.
service resolve_delay 1m
step 5m ana
step 5m ben
at 0s trigger disk critical
expect page ana step 1
at 10s resolve disk
expect line calm it ends if nothing comes back within 1m
expect pending resolve_calm at 1m10s
expect status triggered
at 40s trigger disk2 critical
expect line retriggered 2 times by now
# What was put off goes on at its time.
expect pending escalate at 5m
at 5m expect page ben step 2
at 6m resolve disk2
expect no page until 6m59s
expect status triggered
at 7m expect status resolved
expect notice ana,ben
---
# Nobody is paged for what is over, whatever becomes due meanwhile.
service resolve_delay 10m ack_timeout 2m
step 5m ana
step 5m ben
at 0s trigger disk critical
expect page ana step 1
at 4m resolve disk
expect no page until 8m
at 9m trigger disk critical
at 9m expect page ben step 2
at 10m ack ben
at 11m resolve disk
# The acknowledgement would run out here.
expect no page until 14m
expect status acknowledged
at 15m trigger disk critical
expect line retriggered 3 times by now
expect line flapping it came 3 times
at 15m expect page ben step 2
at 16m close ana
expect notice ana,ben
---
# Acknowledged while all is calm: who has it is not asked again when it comes back.
service resolve_delay 10m
step 5m ana
step 5m ben
at 0s trigger disk critical
expect page ana step 1
at 1m resolve disk
at 2m ack ana
at 3m trigger disk critical
expect status acknowledged
expect nothing pending
expect no page until 1h
at 1h close ana
expect notice ana
---
# Escalated by hand while all is calm: the time of that step counts, not that of the one before.
service resolve_delay 10m
step 5m ana
step 5m ben
step 5m cid
at 0s trigger disk critical
expect page ana step 1
at 4m resolve disk
at 4m escalate ana
expect page ben step 2
at 5m trigger disk critical
expect pending escalate at 9m
at 9m expect page cid step 3
at 10m resolve disk
at 20m expect status resolved
expect notice ana,ben,cid
---
# The third time within half an hour: it flaps, is paged for once, and ends after ten minutes without it.
earlier 7 ended 0s of 2
step 5m ana
at 20m trigger disk critical
expect line note recurrence of incident 7, which ended 20m before
expect line flapping it came 3 times within 30m
expect flapping
expect page ana step 1
at 21m resolve disk
expect pending resolve_calm at 31m
at 24m trigger disk critical
at 24m30s ack ana
at 27m resolve disk
expect no page until 36m
at 37m expect status resolved
expect notice ana
---
# The second time is only said to be one.
earlier 7 ended 0s of 1
step 5m ana
at 20m trigger disk critical
expect line note recurrence of incident 7
expect page ana step 1
at 21m resolve disk
expect status resolved
expect notice ana
