# One is asked for each incident, by turns; a round that repeats asks the next one.
step 5m by turns ana ben zoe
repeat 1
at 0s trigger disk error
expect page ana step 1 round 1
expect line turn drawn
incident 2
at 1m trigger mount error
expect page ben step 1 round 1
at 1m ack ben
incident 3
at 2m trigger share error
expect page zoe step 1 round 1
at 2m ack zoe
incident 1
at 5m expect page ana step 1 round 2
at 7m resolve disk
# Twice by its turns: told once.
expect notice ana
incident 2
at 8m resolve mount
expect notice ben
incident 3
at 9m close zoe
expect notice zoe
---
# The same one is asked again in the same round of the policy: whoever had it, forgot it.
service ack_timeout 10m
step 5m by turns ana ben
step 5m zoe
at 0s trigger disk error
expect page ana step 1 round 1
at 1m ack ana
at 11m expect page ana step 1 round 1
at 16m expect page zoe step 2 round 1
incident 2
at 17m trigger mount error
expect page ben step 1 round 1
at 18m close ben
expect notice ben
incident 1
at 19m close ana
expect notice ana,zoe
---
# Who cannot be reached gives way to the next of the round, each once; then the step is over.
step 5m by turns ana ben zoe
step 5m tom
at 0s trigger disk error
expect page ana step 1 round 1
at 1s empty step 1
expect line step_empty the next of its round is asked
expect page ben step 1 round 1
expect pending escalate at 5m1s
at 2s empty step 1
expect page zoe step 1 round 1
at 3s empty step 1
expect line step_empty the next step begins at once
expect page tom step 2 round 1
# They had their turns all the same.
incident 2
at 1m trigger mount error
expect page ana step 1 round 1
at 2m close ana
expect notice ana
incident 1
at 3m close ana
expect notice ana,ben,tom,zoe
---
# The urgency rises: the one who was asked is told, not the whole round.
step 5m by turns ana ben
at 0s trigger disk warning
expect page ana step 1 round 1
at 1m trigger disk critical
expect page ana step 1 round 1
at 2m close ana
expect notice ana
---
# Opened again it is the next one's turn.
step 5m by turns ana ben
at 0s trigger disk error
expect page ana step 1 round 1
at 1m resolve disk
expect notice ana
at 2m return disk error
expect page ben step 1 round 1
at 3m resolve disk
expect notice ana,ben
---
# One alone needs no turns.
step 5m by turns ana
at 0s trigger disk error
expect page ana step 1 round 1
at 1m resolve disk
expect notice ana
