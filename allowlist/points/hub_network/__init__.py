"""The managed network of an AI Foundry hub or a Machine Learning workspace."""

from allowlist.points.hub_network.surface import SURFACE

__all__ = ["SURFACE"]
