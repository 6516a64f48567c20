"""Benchmarks: ratios in one run, printed; nothing here passes or fails.

Where the engine stands, in CPU time of one process: check and plan of L with exact partitions and all three proofs
takes 55 to 60 times as long as orjson takes to decode the policy; the goal is 12. What stops us is not one hot
spot but Python objects: of 2.9 s, findings before the plan take a third (30,000 requirements at 30 us: a piece, a
coverage and two structs each), the proofs a quarter (every change is compared and every served requirement looked
at again), and putting 9,000 changes together with digests and gates a sixth. Matching names, the part that grows,
is 0.1 s. The way down is a columnar engine: masks and rule numbers in arrays, and structs only for what is shown.
Start-up is 7 times an empty Python, half of it click and a quarter msgspec; the goal is 2.5 for ``--version``.
"""
