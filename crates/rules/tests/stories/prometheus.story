# Without for, a problem fires at its first evaluation.
rule
at 0m breach a=1 b=2
  firing a since 0s
  firing b since 0s
at 1m breach a=5
  resolved b
at 2m
  resolved a
at 3m breach a=1
  firing a since 3m

# With for, it must last; a gap starts anew.
rule for 2m
at 0m breach a=1
  pending a
at 1m breach a=1
at 2m breach a=1 b=1
  firing a since 0s
  pending b
at 3m breach a=1
  cleared b since 2m
at 4m
  resolved a since 0s
at 5m breach a=1
  pending a since 5m
at 6m
  cleared a
at 7m breach a=1
  pending a since 7m
at 9m breach a=1
  firing a since 7m

# keep_firing_for bridges gaps, and counts from the first one.
rule for 1m keep 3m
at 0m breach a=1
  pending a
at 1m breach a=1
  firing a
at 2m
at 3m
at 4m breach a=1
at 5m
at 7m
at 8m
  resolved a
at 9m breach a=1
  pending a since 9m
# What is only pending is not kept.
at 9500ms breach a=1
at 10m
  cleared a

# A failed evaluation changes nothing.
rule for 1m
at 0m breach a=1
  pending a
at 1m error
at 2m breach a=1
  firing a since 0s
at 3m error
at 4m
  resolved a

# The same time twice, or an older one, repeats nothing.
rule
at 5m breach a=1
  firing a
at 5m breach a=1
at 5m
at 4m
at 6m
  resolved a
at 6m breach a=1
at 7m breach a=1
  firing a

forget a at 8m
  resolved a
at 9m

rule for 5m
at 0m breach a=1 b=1
  pending a
  pending b
forget b at 1m
  cleared b
