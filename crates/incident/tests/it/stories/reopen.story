# The same trouble soon after its end is the same incident: paged at once, from the first step.
step 5m ana
step 5m ben
at 0s trigger disk error
expect page ana step 1 round 1
at 5m expect page ben step 2 round 1
at 6m ack ben
at 10m resolve disk
expect notice ana,ben
expect time to resolve 10m
at 14m return disk2 instead of disk error
expect line reopened reopened 4m after its end: it came back: disk2
expect cancel 3
expect status triggered
expect generation 3
expect page ana step 1 round 1
expect headline disk2
# Whether ben, who heard of the first end and not that it is back, hears of this one the sender knows.
at 16m resolve disk2
expect notice ana,ben
# The first answer counts, and the last end.
expect time to ack 6m
expect time to resolve 16m
---
# What a person resolved comes back, too; the policy is the one of now.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
at 1m close ana
expect notice ana
step 5m ben
at 2m return disk error
expect page ana step 1 round 1
at 7m expect page ben step 2 round 1
at 8m close ben
expect notice ana,ben
---
# It comes and goes: the third time within half an hour it is flapping, and ends only once it has stayed away.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
at 1m resolve disk
expect notice ana
at 5m return disk error
expect page ana step 1 round 1
at 6m resolve disk
expect notice ana
at 10m return disk error
expect line flapping it came 3 times
expect page ana step 1 round 1
at 11m resolve disk
expect status triggered
at 21m expect status resolved
expect notice ana
# Much later it is not.
at 2h return disk error
expect page ana step 1 round 1
at 2h1m resolve disk
expect status resolved
expect notice ana
---
# Silenced it is open again and pages nobody, until the silence ends.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
at 1m resolve disk
expect notice ana
at 2m return disk error silenced
expect line not_paged a silence
expect no page until 10m
at 10m silence ended
expect page ana step 1 round 1
at 11m close ana
expect notice ana
---
# A repair that starts holds the first page, where the service says so.
service hold 2m
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
at 1m resolve disk
expect notice ana
at 2m return disk error repairing
expect no page until 3m59s
at 4m expect page ana step 1 round 1
at 5m close ana
expect notice ana
---
# Resolved by mistake: the alerts that were open are open again, and end it as they would have.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
at 10s trigger swap error
at 20s resolve swap
at 1m close ana
expect notice ana
expect alerts closed disk
at 2m reopen zoe
expect line reopened it is not over
expect alerts reopened disk
expect page ana step 1 round 1
expect status triggered
at 3m resolve disk
expect status resolved
expect notice ana
---
# What is open cannot be opened, nor what goes on in another one; and everything else still changes nothing after the end.
step 5m ana
at 0s trigger disk error
expect page ana step 1 round 1
at 1m reopen zoe
expect line ignored reopen does not apply
incident 2
at 1m trigger mount error
expect page ana step 1 round 1
incident 1
at 2m merge 2 zoe
incident 2
at 3m return mount error
expect line ignored reopen does not apply
expect status resolved
incident 1
at 4m close ana
expect notice ana
expect notice of 2 ana
# Who heard of what was merged into it has heard of the end.
at 5m return disk error
expect page ana step 1 round 1
at 6m close ana
expect notice ana
