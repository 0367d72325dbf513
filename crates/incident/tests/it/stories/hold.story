# Opted in, a running repair holds the first page; if it helps, nobody is disturbed.
service hold 2m
step 5m ana
at 0s trigger disk critical repairing
expect line not_paged the page is held for at most 2m
expect pending release_hold at 2m
at 40s run fixed
at 50s resolve disk
expect status resolved
expect no page until 1h
---
# If it does not, the first step is paged at once.
service hold 2m
step 5m ana
step 5m ben
at 0s trigger disk critical repairing
at 40s run failed exit 1
expect page ana step 1 round 1 output exit 1
at 5m40s expect page ben step 2
at 6m close ben
expect notice ana,ben
---
# If nothing is heard of it, the page goes out, never later than the first step's own delay.
service hold 10m
step 3m ana
step 5m ben
at 0s trigger disk critical repairing
expect no page until 2m
at 3m expect page ana step 1
at 6m expect page ben step 2
at 7m close ben
expect notice ana,ben
---
# Not opted in, the page does not wait.
step 3m ana
at 0s trigger disk critical repairing
expect page ana step 1
at 1m close ana
expect notice ana
---
# Who looks before the page was due may answer or call for help.
service hold 2m
step 5m ana
step 5m ben
at 0s trigger disk critical repairing
at 10s escalate cid
expect page ana step 1
at 20s ack ana
expect no page until 1h
at 1h close ana
expect notice ana
---
# A page that is held for a repair goes out when there is none to be.
service hold 2m
step 30m ana
step 30m ben
at 0s trigger disk critical repairing
expect line not_paged held
at 0s run held_back too many servers are in trouble
expect page ana step 1
at 1m ack ana
