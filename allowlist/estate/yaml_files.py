"""YAML in place of the JSON of resources: told by its first lines, and refused with the command that prints the JSON."""

from __future__ import annotations

import re
from typing import Final

from allowlist.errors import InvalidInput

_SHOWN: Final = 4_000
_COMMENTS: Final = r"(?:[ \t\r]*(?:#[^\n]*|---[^\n]*)?\n)*"
_YAML: Final = re.compile(rf"\ufeff?{_COMMENTS}(?:- +)?[\w$.-]+:(?:[ \t]|\r?\n|$)")
_FORMS_OF_ML: Final = re.compile(
    r"azuremlschemas|^ *(?:managed_network|isolation_mode|outbound_rules):", re.MULTILINE
)
_RESOURCES: Final = re.compile(r"^(?:- | *)id: */subscriptions/", re.MULTILINE)


def refuse_yaml(text: str, file: str) -> None:
    """Raises InvalidInput where ``text``, which is no JSON, is YAML."""
    if _YAML.match(text[:_SHOWN]):
        raise InvalidInput.of(
            file, "is YAML; resources are read as JSON", line=1, column=1, hint=_advice(text)
        )


def _advice(text: str) -> str:
    if _RESOURCES.search(text):
        return "save it again with -o json"
    if _FORMS_OF_ML.search(text):
        return (
            "a form of az ml names no resource and holds what is asked for, not what is there; save what is there: "
            "az ml workspace show -n NAME -g GROUP -o json"
        )
    return "a list of rules is read through a mapping file (NAME.rules.yaml); resources are saved with: az … -o json"
