"""``egressPolicy`` of RAI policies, for hosted agents (preview 2026-05-15-preview)."""

from allowlist.points.agent_egress.surface import SURFACE

__all__ = ["SURFACE"]
