"""Neutral rules, the order they are evaluated in, verdicts, coverage proofs and published limits. Pure."""
