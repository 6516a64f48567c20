"""Traffic as logs tell it: read in whatever shape it was delivered, counted, and never guessed.

*Shapes* say how a file is recognised and which columns it yields; *query* makes one question of them, in SQL with a
thin *dialect* layer, so that DuckDB here and Apache Spark elsewhere are asked the same. The answer is an aggregate by
source, name, port, action, rule and day, kept on disk by the content of what was read. Lines that were not understood
are counted beside it and never forgotten: whoever says "nobody" asks :attr:`Account.is_whole` first.

Nothing here knows rules, catalogs or workloads; what the traffic means is told in ``allowlist.workflow.evidence``.
"""
