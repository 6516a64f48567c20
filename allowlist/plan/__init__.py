"""Findings → changes → gates → plan, and approvals bound to meaning. Pure: nothing here can write."""
