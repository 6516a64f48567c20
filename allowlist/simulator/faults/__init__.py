"""Faults on request: written as text, chosen by chance with a seed, or added from a test."""

from allowlist.simulator.faults.effects import PRESETS, Effect
from allowlist.simulator.faults.grammar import parse_fault
from allowlist.simulator.faults.plan import Chance, Fault, FaultPlan

__all__ = ["PRESETS", "Chance", "Effect", "Fault", "FaultPlan", "parse_fault"]
