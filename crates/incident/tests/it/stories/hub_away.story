# A hub that was away pages every step it missed, none is skipped, and the last one still gets its time.
step 5m ana
step 5m ben
step 5m cid
at 0s trigger disk critical
expect page ana step 1
down until 3h
expect page ben step 2
expect page cid step 3
expect pending escalate at 3h5m
at 3h5m expect catch-all
---
# Less late: the rest of the policy keeps its times.
step 5m ana
step 5m ben
step 5m cid
at 0s trigger disk critical
expect page ana step 1
down until 7m
expect page ben step 2
at 10m expect page cid step 3
at 11m close cid
expect notice ana,ben,cid
---
# Rounds are not rushed through either.
step 5m ana
step 5m ben
repeat 9
at 0s trigger disk critical
expect page ana step 1
down until 10h
expect page ben step 2 round 1
at 10h5m expect page ana step 1 round 2
at 10h6m close ana
expect notice ana,ben
---
# An acknowledgement that ran out meanwhile counts too.
service ack_timeout 30m
step 5m ana
step 5m ben
at 0s trigger disk critical
expect page ana step 1
at 1m ack ana
down until 2h
expect page ana step 1
expect page ben step 2
at 2h1m close ben
expect notice ana,ben
