"""The forms of narration by name, without what writes them: the top of every command line needs the names alone."""

from typing import Final, Literal

Form = Literal["text", "json"]
FORMS: Final[tuple[Form, ...]] = ("text", "json")
