# A step of nobody does not wait its delay.
step 30m ana
step 5m
step 5m cid
at 0s trigger disk critical
expect page ana step 1
at 10s empty step 1
expect line step_empty step 2 has no targets
expect page cid step 3
# Late news of a step that is over changes nothing.
at 11s empty step 1
expect line ignored that step is over
at 12s empty step 3
expect catch-all
expect unanswered
at 13s empty step 3
expect line ignored that step is over
at 20s resolve disk
expect notice ana,cid catch-all
---
# A policy of nobody at all still reaches the catch-all channel, at once.
step 5m
step 5m
repeat 3
at 0s trigger disk critical
expect catch-all
expect unanswered
expect nothing pending
at 1m close ana
expect notice
