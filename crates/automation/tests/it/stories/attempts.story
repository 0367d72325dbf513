# Fixed: two fresh samples in a row without the problem, taken after the end of the run.
at 0s begin
at 0s expect start 1
at 1s started
at 1s expect state running
# Not yet: the run is not over.
at 5s sample good
at 10s finished 0
at 10s expect boost until 130
at 10s expect state verifying
# A sample from before the end and one told twice do not count.
at 11s sample good at 9s
at 12s sample good at 12s
at 12s sample good at 12s
at 12s expect state verifying
at 13s sample bad
at 14s sample good
at 14s expect state verifying
at 15s sample good
at 15s expect succeeded in 14
at 15s expect state fixed
# Terminal.
at 16s sample bad
at 17s lost late
at 2h expect state fixed
---
# The exit code alone is never a success, and the window has its own least length.
plan verify 1s
at 0s begin
at 0s expect start 1
at 0s started
at 10s finished 0
at 10s expect boost until 130
at 100s sample good
at 110s sample bad
at 129s expect state verifying
at 130s expect escalate not_fixed the script succeeded, but the problem was not gone after 2m
at 130s expect state not_fixed
---
# The window covers three intervals and the longest range of the expression.
plan interval 1m range 10m
at 0s begin
at 0s expect start 1
at 0s started
at 0s finished 0
at 0s expect boost until 600
at 9m sample good
at 599s sample good
at 599s expect succeeded
---
plan interval 1m
at 0s begin
at 0s expect start 1
at 0s started
at 0s finished 0
at 0s expect boost until 180
at 3m expect escalate not_fixed
---
# It failed, was killed, or was refused by the server: a person at once.
at 0s begin
at 0s expect start 1
at 0s started
at 3s finished 2
at 3s expect escalate failed the script ended with exit code 2
at 3s expect state failed
---
at 0s begin
at 0s expect start 1
at 0s started
at 60s killed time limit
at 60s expect escalate failed time limit
---
at 0s begin
at 0s expect start 1
at 1s refused journal_unwritable
at 1s expect escalate refused journal_unwritable
at 1s expect state refused
# A run that nonetheless begins is not ours any more.
at 2s started
at 2s expect state refused
---
# Nothing heard after the start, or past the time limit: lost, never run again.
at 0s begin
at 0s expect start 1
at 3m expect state waiting
at 195s expect escalate lost no answer to the start
at 195s expect state lost
---
at 0s begin
at 0s expect start 1
at 5s started
at 200s expect escalate lost nothing was heard
at 200s expect state lost
---
at 0s begin
at 0s expect start 1
at 5s started
at 6s lost agent restarted
at 6s expect escalate lost agent restarted
---
# The end arrives before the start was told.
at 0s begin
at 0s expect start 1
at 5s finished 0
at 5s expect boost
at 6s sample good
at 7s sample good
at 7s expect succeeded in 7
---
# What heals during the delay needs no repair and no person.
plan delay 1m
at 0s begin
at 20s sample bad
at 30s sample good
at 30s expect state refused
at 2m expect state refused
---
plan delay 1m
at 0s begin
at 59s expect state waiting
at 1m expect start 1
at 1m started
at 2m finished 1
at 2m expect escalate failed
---
# Approval: asked, given, and only then started; the delay counts from the beginning.
plan approval
plan delay 5m
at 0s begin
at 0s expect ask until 1800
at 2m approved
at 2m approved
at 5m expect start 1
at 5m denied
at 5m expect state waiting
at 5m started
at 6m finished 9
at 6m expect escalate failed
---
plan approval
at 0s begin
at 0s expect ask
at 10m approved
at 10m expect start 1
at 11m refused halted
at 11m expect escalate refused halted
---
plan approval
at 0s begin
at 0s expect ask
at 10m denied
at 10m expect escalate refused denied by user
at 11m approved
at 11m expect state refused
---
plan approval
at 0s begin
at 0s expect ask
at 30m expect escalate refused nobody approved it within 30m
at 31m approved
at 31m expect state refused
