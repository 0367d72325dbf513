# Unanswered, it climbs; the page of a step goes to all its targets at once.
step 5m ana
step 10m ben cid
at 0s trigger disk critical
expect page ana step 1 round 1
expect line opened disk (critical)
expect pending escalate at 5m
expect no page until 4m
at 5m expect page ben,cid step 2 round 1
at 5m expect line paged the step before was not answered
at 12m resolve disk
expect status resolved
expect notice ana,ben,cid
expect nothing pending
expect time to resolve 12m
---
# Every step is gone through again as often as the policy says.
step 5m ana
step 5m ben
repeat 1
at 0s trigger disk critical
expect page ana step 1 round 1
at 5m expect page ben step 2 round 1
at 10m expect page ana step 1 round 2
at 15m expect page ben step 2 round 2
at 20m expect catch-all
expect unanswered
