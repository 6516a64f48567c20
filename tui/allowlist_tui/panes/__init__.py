"""The panes of the tabs: each shows one thing and knows what may be done with it."""

from __future__ import annotations

from textual.message import Message


class Stands(Message):
    """The cursor or the selection stands somewhere else, so other things are possible."""
