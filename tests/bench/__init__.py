"""Benchmarks: ratios in one run, printed; nothing here passes or fails."""
