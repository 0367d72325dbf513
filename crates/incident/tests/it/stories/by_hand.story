# Escalating by hand takes an acknowledged incident to the next step.
step 5m ana
step 5m ben
at 0s trigger disk critical
expect page ana step 1
at 1m ack ana
at 2m escalate ana
expect page ben step 2
expect status triggered
at 3m close ben
expect notice ana,ben
expect line resolved resolved by hand
at 4m close ana
expect line ignored resolved already
at 5m escalate ana
expect line ignored does not apply
expect generation 2
