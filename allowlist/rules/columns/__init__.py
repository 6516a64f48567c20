"""The columnar engine: the rules of one ruleset as columns of numbers, for questions asked very many times.

``docs/columns.md`` has a picture and a worked example. Whatever this room answers, the general way
(``allowlist.rules.evaluate``, ``allowlist.rules.coverage``, ``allowlist.rules.compare``) answers as well; laws in
``tests/rules`` hold the two together.
"""
