"""Small checks over a scene: each is a generator of observations, one module per row of the report."""

from allowlist.network.checks.run import observe

__all__ = ["observe"]
