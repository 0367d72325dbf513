# A repair that did not help pages the next step at once, with its output.
step 30m ana
step 30m ben
at 0s trigger disk critical
expect page ana step 1
at 1s run started
at 40s run not_fixed still 97% full
expect page ben step 2 round 1 output still 97% full
expect line run repair not fixed
at 50s run failed again
expect catch-all output again
at 55s run lost
expect line not_paged policy has run out already
at 1m resolve disk
expect notice ana,ben catch-all
---
# Somebody who has answered is not paged again, nor is anybody above.
step 30m ana
step 30m ben
at 0s trigger disk critical
expect page ana step 1
at 5s ack ana
at 40s run lost
expect line not_paged somebody has acknowledged
expect no page until 10h
at 10h resolve disk
expect notice ana
at 11h run refused
expect status resolved
---
# A repair that helped pages nobody further; the alert's own end resolves the incident.
step 30m ana
step 30m ben
at 0s trigger disk critical
expect page ana step 1
at 40s run fixed
expect line run repair fixed
at 41s resolve disk
expect notice ana
