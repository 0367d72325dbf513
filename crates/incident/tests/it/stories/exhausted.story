# Run out of steps: flagged, told to the catch-all channel once, and still answerable.
service ack_timeout 10m
step 5m ana
at 0s trigger disk critical
expect page ana step 1
at 5m expect catch-all
expect unanswered
expect no page until 10h
at 10h ack ana
# Acknowledged and forgotten again: the last step, then the catch-all.
at 10h10m expect page ana step 1
at 10h15m expect catch-all
# Escalating by hand from there starts the policy over.
at 11h escalate ben
expect page ana step 1 round 2
at 11h1m resolve disk
expect notice ana catch-all
