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
expect line not_paged less than a minute ago
at 2m run failed again
expect catch-all output again
at 4m run lost
expect line not_paged policy has run out already
at 5m resolve disk
expect notice ana,ben catch-all
---
# Where too many servers have it, the page for the trouble itself is the page: the next step keeps its time.
step 30m ana
step 30m ben
at 0s trigger disk critical
expect page ana step 1
at 0s run held_back too many servers are in trouble
expect line run repair held back
expect line not_paged nothing was tried
expect no page until 29m
at 30m expect page ben step 2
at 31m ack ben
---
# A refusal for any other reason is for somebody to look at.
step 30m ana
step 30m ben
at 0s trigger disk critical
expect page ana step 1
at 2s run refused
expect page ben step 2
at 3s ack ben
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
