# It resolves with its last alert, not before.
step 1h ana
at 0s trigger disk critical
expect page ana step 1
at 1m trigger swap error
expect line alert_added swap
at 2m resolve disk
expect line alert_resolved 1 still open
expect status triggered
at 2m resolve disk
at 3m trigger disk critical
expect line retriggered disk
at 4m resolve swap
expect status triggered
at 5m resolve other
expect line ignored not part of this incident
at 6m resolve disk
expect status resolved
expect notice ana
at 7m trigger disk critical
expect line ignored needs an incident of its own
expect status resolved
---
# A source that never says "resolved": the time starts anew with each trigger.
service auto_resolve 4h
step 1h ana
at 0s trigger disk critical
expect page ana step 1
at 30m ack ana
at 3h trigger disk critical
expect pending auto_resolve at 7h
at 7h expect status resolved
expect alerts closed disk
expect notice ana
