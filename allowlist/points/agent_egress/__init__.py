"""``egressPolicy`` of RAI policies, for hosted agents (preview 2026-05-15-preview)."""
