"""The columnar engine: the rules of one ruleset as columns of numbers, for questions asked very many times.

Whatever this room answers, the general way
(``allowlist.rules.evaluate``, ``allowlist.rules.coverage``, ``allowlist.rules.compare``) answers as well; laws in
``tests/rules`` hold the two together.
"""
