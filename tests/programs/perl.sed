# How long it took.
s/^Elapsed: .*/Elapsed: TIME/
s/^u=[0-9.]+ +s=[0-9.]+ +cu=[0-9.]+ +cs=[0-9.]+/TIME/
