"""What could not be read, as a value: of which resource type, and in words why."""

from __future__ import annotations

from dataclasses import dataclass

_WHERE = " in subscription "


@dataclass(frozen=True, slots=True, order=True)
class Unreadable:
    """``kind`` is the resource type with its children (``Microsoft.Network/privateDnsZones/A``), empty where it is not
    a type that was not read. ``str()`` is the sentence for people, and what a snapshot keeps."""

    kind: str
    text: str

    @classmethod
    def listed(cls, kind: str, subscription: str, why: str) -> Unreadable:
        """A list of a subscription that was not answered."""
        return cls(kind, f"{kind}{_WHERE}{subscription}: {why}")

    @classmethod
    def parse(cls, text: str) -> Unreadable:
        """What a snapshot kept, as a value again."""
        kind, where, _ = text.partition(_WHERE)
        return cls(kind if where and " " not in kind else "", text)

    def is_of(self, resource_type: str) -> bool:
        """Is it about this type, or a child of it, in any letter case?"""
        return f"{self.kind}/".lower().startswith(f"{resource_type}/".lower())

    def __str__(self) -> str:
        return self.text
