# Hysteresis: an alert fires until the recover expression returns its series.
rule for 1m recover
at 0m breach a=95 b=95
  pending a
  pending b
at 1m breach a=95 b=95
  firing a
  firing b
at 2m breach b=95
at 3m breach b=95
at 4m breach b=95 recovered a
  resolved a
at 5m recovered c
at 6m recovered b
  resolved b
# A pending one needs no recovery.
at 7m breach a=95
  pending a
at 8m
  cleared a

# When all data is gone the band does not hold an alert for ever.
rule recover
at 0m breach a=95
  firing a
at 1m
at 2m no_data
  resolved a

# Hysteresis and keep_firing_for together: the time counts from the recovery.
rule recover keep 2m
at 0m breach a=95
  firing a
at 1m
at 2m recovered a
at 3m recovered a
at 4m recovered a
  resolved a

# no_data keep: alerts stay, pending ones too.
rule for 2m no_data keep
at 0m breach a=1
  pending a
at 1m no_data
at 2m breach a=1
  firing a since 0s
at 3m no_data
at 9m no_data
at 10m
  resolved a

# no_data ok, the default.
rule
at 0m breach a=1
  firing a
at 1m no_data
  resolved a

# no_data alert: the absence is a problem of its own, after the rule's for.
rule for 1m no_data alert
at 0m breach a=1
  pending a
at 1m breach a=1
  firing a
at 2m no_data
  pending no_data
at 3m no_data
  firing no_data since 2m
at 4m breach a=1
  resolved no_data
at 5m
  resolved a

# Backfilled samples begin a problem, only a live one fires it.
rule for 5m
at 0m breach a=1 backfill
  pending a
at 6m breach a=1 backfill
at 7m breach a=1
  firing a since 0s
at 8m backfill
at 9m
  resolved a

rule for 5m
at 0m breach a=1 backfill
  pending a
at 1m backfill
  cleared a

# Backfill that comes behind live samples moves the beginning back.
rule for 5m
at 10m breach a=1
  pending a since 10m
at 4m breach a=1 backfill
at 6m breach a=1 backfill
at 8m breach a=1 backfill
at 11m breach a=1
  firing a since 4m

# Not across a moment without the problem,
rule for 5m
at 10m breach a=1
  pending a since 10m
at 2m breach a=1 backfill
at 4m backfill
at 8m breach a=1 backfill
at 11m breach a=1
at 13m breach a=1
  firing a since 8m

# nor across a hole.
rule for 5m
at 20m breach a=1
  pending a since 20m
at 2m breach a=1 backfill
at 21m breach a=1
at 25m breach a=1
  firing a since 20m
