# An acknowledgement stops everything, at once and for all steps.
step 5m ana
step 5m ben
at 0s trigger disk critical
expect page ana step 1
at 2m ack ana
expect cancel 1
# What still rings hears of it.
expect ack-notice ana
expect status acknowledged
expect nothing pending
expect no page until 24h
expect time to ack 2m
# A second one changes nothing, one from another person is a note.
at 24h ack ana
expect generation 1
ack ben
expect line note acknowledged it by web, too
expect generation 1
at 25h resolve disk
expect notice ana
---
# Acknowledged and forgotten: triggered again at the same step, and on from there.
service ack_timeout 30m
step 5m ana
step 5m ben
step 5m cid
at 0s trigger disk critical
expect page ana step 1
at 5m expect page ben step 2
at 6m ack ben
expect pending unacknowledge at 36m
expect no page until 35m
at 36m expect page ben step 2
expect line unacknowledged the acknowledgement ran out
expect status triggered
at 41m expect page cid step 3
at 42m ack cid
at 43m close cid
expect notice ana,ben,cid
expect alerts closed disk
expect time to ack 6m
---
# An acknowledgement of something resolved is a note and does not open it again.
step 5m ana
at 0s trigger disk critical
expect page ana step 1
at 1m resolve disk
expect notice ana
at 2m ack ana
expect status resolved
expect line note after it was resolved
expect generation 1
expect no page until 10h
---
# A snooze is an acknowledgement with a timer of its own, also on top of another one.
service ack_timeout 30m
step 5m ana
at 0s trigger disk critical
expect page ana step 1
at 1m ack ana snooze 2h
expect pending unacknowledge at 121m
at 10m ack ana snooze 20m
expect pending unacknowledge at 30m
at 30m expect page ana step 1
at 31m unack ana
expect line ignored unacknowledge does not apply
at 32m ack ana
at 33m unack ana
expect page ana step 1
at 34m close ana
expect notice ana
