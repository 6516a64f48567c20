"""Long random days against the promises: ``python -m tests.soak``."""
