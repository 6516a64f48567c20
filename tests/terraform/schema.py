"""The schema of the azurerm provider, read from the bindings that CDK for Terraform generates of it and publishes.

The provider itself comes from Terraform's own registry only. Its bindings name every attribute and block, which are required
and which are computed, and whether a block is a list, a set, or a list of at most one.

Defaults and the attributes that are optional and computed are not in them; the few that matter stand in ``provider.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FUNCTION = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{(.*?)^\}", re.S | re.M)
_ENTRY = re.compile(
    r'^ +(\w+): \{\n\s+value: .*?\n\s+isBlock: (\w+),\n\s+type: "(\w+)",\n\s+storageClassType: "(\w+)"',
    re.M,
)
_CLASS = re.compile(r"^class (\w+) extends cdktf\.(\w+) \{(.*?)^\}", re.S | re.M)
_COMPUTED_GETTER = re.compile(
    r"// (\w+) - computed: true, optional: false, required: false\n\s+get \w+\(\) \{\n\s+return (.*?);"
)
_COMPUTED_LIST = re.compile(
    r"// (\w+) - computed: true, optional: false, required: false\n\s+this\._\w+ = new (\w+?)List\("
)
_INTERFACE = re.compile(r"^export interface (\w+)(?: extends [\w.]+)? \{(.*?)^\}", re.S | re.M)
_MEMBER = re.compile(r"readonly (\w+)(\??):")
_RESOURCE = re.compile(r'^(\w+)\.tfResourceType = "(\w+)"', re.M)
_SIMPLE = {"string": "string", "number": "number", "boolean": "bool"}
_GETTERS = {"Boolean": "bool", "Number": "number", "String": "string"}


def schema_of(package: Path, *folders: str) -> dict[str, Any]:
    """Blocks by type of resource. A block: ``attributes`` by name (type as cty writes it, required, computed), ``blocks``."""
    return dict(_resource(package / "lib" / folder) for folder in folders)


def _resource(folder: Path) -> tuple[str, dict[str, Any]]:
    code, types = (folder / "index.js").read_text(), (folder / "index.d.ts").read_text()
    found = _RESOURCE.search(code)
    assert found, folder
    return found[2], _Bindings(code, types).resource(found[1])


class _Bindings:
    def __init__(self, code: str, types: str) -> None:
        self._settable = {name.lower(): body for name, body in _FUNCTION.findall(code)}
        self._classes = {name: body for name, _, body in _CLASS.findall(code)}
        self._members = {name: dict(_MEMBER.findall(body)) for name, body in _INTERFACE.findall(types)}

    def resource(self, name: str) -> dict[str, Any]:
        body = self._classes[name]
        settable = body[body.index("synthesizeHclAttributes") :]
        return self._block(settable, body, self._members[f"{name}Config"])

    def _struct(self, name: str) -> dict[str, Any]:
        body = self._settable[name.lower()]
        return self._block(body, self._classes[f"{name}OutputReference"], self._members[name])

    def _block(self, settable: str, body: str, members: dict[str, str]) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        for name, is_block, kind, storage in _ENTRY.findall(settable):
            required = members.get(_camel(name)) == ""
            if is_block == "true":
                inner = storage if kind == "struct" else storage.removesuffix("List")
                alone = f'OutputReference(this, "{name}")' in body
                nesting = "single" if kind == "struct" else kind
                blocks[name] = {
                    "nesting": nesting,
                    "most": 1 if alone else 0,
                    "required": required,
                    "block": self._struct(inner),
                }
            else:
                attributes[name] = {
                    "type": _type(kind, storage),
                    "required": required,
                    "computed": name == "id",
                }
        for name, type_ in self._computed(body):
            attributes.setdefault(name, {"type": type_, "required": False, "computed": True, "given": True})
        return {"attributes": attributes, "blocks": blocks}

    def _computed(self, body: str) -> Iterator[tuple[str, Any]]:
        for name, getter in _COMPUTED_GETTER.findall(body):
            kind = re.search(r"get(\w+?)Attribute", getter)
            plain = _GETTERS.get(kind[1]) if kind else None
            yield name, plain or ["list", "string"]
        for name, inner in _COMPUTED_LIST.findall(body):
            yield name, ["list", ["object", self._object(inner)]]

    def _object(self, name: str) -> dict[str, Any]:
        return dict(self._computed(self._classes[f"{name}OutputReference"]))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _type(kind: str, storage: str) -> Any:
    if kind == "simple":
        return _SIMPLE[storage]
    inner = re.match(r"(string|number|boolean)", storage)
    assert inner, storage
    return [kind, _SIMPLE[inner[1]]]
