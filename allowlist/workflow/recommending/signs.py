"""What was seen in a file, with its place: packages, hosts, images, resources, models, tool servers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    PACKAGE = "package"
    HOST = "host"
    IMAGE = "image"
    RESOURCE = "resource"
    MODEL = "model"
    TOOL = "tool"
    DENIED = "denied name"


class Confidence(StrEnum):
    """How sure a proposal is: declared in a file that gets built or deployed, used by code, or only mentioned."""

    DECLARED = "declared"
    USED = "used"
    MENTIONED = "mentioned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """``value`` in its usual spelling; packages of npm begin with ``npm:``; ``line`` begins with 1, 0 for a whole file."""

    what: What
    value: str
    file: str
    line: int
    confidence: Confidence
    version: str = ""
    port: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """Something that was seen and nothing could be made of, with the reason."""

    text: str
    place: str
    because: str
