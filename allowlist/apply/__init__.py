"""Carry out what is approved: journal, write, read back, verify, and the way back.

Works over :class:`~allowlist.apply.driver.TargetDriver`, so it knows no surface and no Azure client.
"""
