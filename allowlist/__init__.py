"""Keeps the egress allow lists of Azure AI workloads complete, tight and proved."""

__version__ = "0.1.0"
