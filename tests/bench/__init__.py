"""Benchmarks: ratios in one run, printed; nothing here passes or fails. Figures and what stops us: docs/performance.md."""
