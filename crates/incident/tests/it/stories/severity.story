# While acknowledged, repetitions count; only something worse pages again.
step 5m ana
step 5m ben
at 0s trigger disk warning
expect page ana step 1
at 1m ack ana
at 2m trigger disk warning
at 3m trigger swap warning
expect line not_paged acknowledged and this is not worse
expect no page until 10m
at 10m trigger disk critical
expect line severity_raised critical
expect page ana step 1
expect status triggered
at 15m expect page ben step 2
at 16m ack ben
# Falling and rising to the same height again is not worse.
at 17m trigger disk warning
at 18m trigger disk critical
expect no page until 60m
at 60m close ben
expect notice ana,ben
expect alerts closed disk,swap
---
# While triggered, the paging goes on at its time; people are told by their rules for high urgency as soon as it is high.
step 5m ana
at 0s trigger disk warning
expect page ana step 1
at 1m trigger disk critical
expect line severity_raised critical
expect line paged rules for high urgency
expect page ana step 1
expect pending escalate at 5m
at 2m trigger disk critical
at 3m trigger disk error
expect no page until 4m
at 4m resolve disk
expect notice ana
