# Suppressed: recorded, never paged, and paged when the silence ends before the trouble does.
step 5m ana
at 0s trigger disk critical silenced
expect line not_paged suppressed by a silence
expect no page until 2h
at 2h silence ended
expect page ana step 1
at 2h1m silence ended
at 2h2m close ana
expect notice ana
---
# Over before the silence ends: nobody hears of it.
step 5m ana
at 0s trigger disk critical silenced
at 1h run failed
expect line not_paged suppressed by a silence
at 1h resolve disk
expect status resolved
---
# An alert that the silence does not cover pages for the incident.
step 5m ana
at 0s trigger disk warning silenced
at 1m trigger swap error
expect page ana step 1
at 2m ack ana
# Worse, but silenced: recorded only.
at 3m trigger disk critical silenced
expect line not_paged suppressed by a silence
expect no page until 1h
at 1h close ana
expect notice ana
---
# A silence that begins later stops the paging, and its end resumes at the same step.
step 5m ana
step 5m ben
step 5m cid
at 0s trigger disk critical
expect page ana step 1
at 5m expect page ben step 2
at 6m silence begins
expect cancel 1
expect line not_paged suppressed by a silence
expect nothing pending
expect no page until 1h
at 1h silence ended
expect page ben step 2
at 1h5m expect page cid step 3
at 1h6m resolve disk
expect notice ana,ben,cid
---
# Over an acknowledged incident it keeps the acknowledgement's end from paging.
service ack_timeout 30m
step 5m ana
at 0s trigger disk critical
expect page ana step 1
at 1m ack ana
at 2m silence begins
at 31m expect line not_paged suppressed by a silence
expect status triggered
expect no page until 2h
at 2h silence ended
expect page ana step 1
at 2h1m close ana
expect notice ana
---
# An alert that is not covered joined while the silence was being applied: its page is not lost.
step 5m ana
step 5m ben
at 0s trigger disk critical
expect page ana step 1
at 1m trigger swap error
at 2m silence begins for disk
at 5m expect page ben step 2
at 6m resolve swap
at 7m silence begins for disk
expect line not_paged suppressed by a silence
expect no page until 1h
at 1h close ana
expect notice ana,ben
---
# One silence ends while another goes on: who looks sees the one in force, and it is not paged.
step 5m ana
at 0s trigger disk critical
expect page ana step 1
at 1m silence of ben begins
expect line not_paged suppressed by a silence of ben
at 2m silence of cid begins
expect line not_paged suppressed by a silence of cid
expect no page until 1h
at 1h silence ended
expect page ana step 1
at 1h2m close ana
expect notice ana
