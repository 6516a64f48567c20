"""One scheduled run: refresh, read, check, plan, apply what policy allows or people approved, verify, record.

Importing this package loads nothing heavy; :mod:`allowlist.workflow.syncing.run` is the way in.
"""
