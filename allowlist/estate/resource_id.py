"""ARM resource ids: compared without case, taken apart, put together."""

from __future__ import annotations

from itertools import pairwise

import msgspec


class ResourceId(msgspec.Struct, frozen=True):
    """``/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}[/{type}/{name}…]``."""

    text: str

    @property
    def key(self) -> str:
        """The spelling used for comparison: ARM ids are case-insensitive."""
        return normal_id(self.text)

    @property
    def name(self) -> str:
        return self.text.rstrip("/").rpartition("/")[2]

    @property
    def subscription(self) -> str:
        return self._after("subscriptions")

    @property
    def resource_group(self) -> str:
        return self._after("resourcegroups")

    @property
    def type(self) -> str:
        """``microsoft.network/firewallpolicies/rulecollectiongroups``, in lower case."""
        _, _, tail = self.key.rpartition("/providers/")
        parts = tail.split("/")
        return "/".join([parts[0], *parts[1::2]])

    @property
    def parent(self) -> ResourceId:
        return ResourceId("/".join(self.text.rstrip("/").split("/")[:-2]))

    def _after(self, word: str) -> str:
        parts = self.text.split("/")
        return next((after for part, after in pairwise(parts) if part.lower() == word), "")

    def __str__(self) -> str:
        return self.text


def normal_id(text: str) -> str:
    """Lower case, one slash where clients sent two, none at the end."""
    return text.lower().replace("//", "/").rstrip("/")
