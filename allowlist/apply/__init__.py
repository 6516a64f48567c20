"""Carry out what is approved: journal, write, read back, verify, and the rollback.

Works over :class:`~allowlist.points.point.Point`, so it knows no kind of enforcement point and no Azure client.
"""
