"""Which resource an id comes from that is known only after apply, by the references of the configuration.

A plan says of every expression what it refers to, not what it computes from that. One resource whose id is referred
to, beside values that are known, is the answer; anything else stays unknown. Locals are not in a plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from allowlist.estate.terraform.instances import Instance

_DEEPEST = 20
_STEP = re.compile(r'\.?module\.([^.\[]+)(\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?')
_PLAIN = re.compile(r'^((?:data\.)?[\w-]+\.[\w-]+)(\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?(?:\.(.+))?$')
_CHOOSERS = ("each.key", "count.index", "path.", "terraform.")
_HARMLESS = ("name", "location", "resource_group_name", "tags")


class Unresolved(LookupError):
    """It is not certain which resource is meant."""


@dataclass(slots=True)
class References:
    """The configuration of a plan; a state has none."""

    root: Mapping[str, Any]
    by_config: dict[tuple[str, str], list[Instance]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Mapping[str, Any], instances: Iterable[Instance]) -> References:
        configuration = data.get("configuration")
        root = configuration.get("root_module") if isinstance(configuration, Mapping) else None
        found = cls(root if isinstance(root, Mapping) else {})
        for instance in instances:
            found.by_config.setdefault((instance.module, instance.config), []).append(instance)
        return found

    def expression(self, instance: Instance, path: Sequence[str | int]) -> Any:
        """What is configured at ``path`` of a resource; None where that is not shown, as in dynamic blocks."""
        module = self._module(instance.module)
        found: Any = next(
            (
                item.get("expressions")
                for item in module.get("resources") or ()
                if isinstance(item, Mapping) and item.get("address") == instance.config
            ),
            None,
        )
        for step in path:
            if isinstance(step, int) and isinstance(found, list):
                found = found[step] if step < len(found) else None
            elif isinstance(step, str) and isinstance(found, Mapping):
                found = found.get(step)
            else:
                return None
        return found

    def resources(self, instance: Instance, path: Sequence[str | int]) -> list[Instance]:
        """The resources whose ids stand at ``path``, each once. Raises Unresolved where that is not certain."""
        found = list(self._meant(self.expression(instance, path), instance.module, instance.index, _DEEPEST))
        return list({item.address: item for item in found}.values())

    def _module(self, address: str) -> Mapping[str, Any]:
        module = self.root
        for name, _ in _STEP.findall(address):
            call = (module.get("module_calls") or {}).get(name) or {}
            module = call.get("module") or {}
        return module

    def _meant(self, expression: Any, module: str, index: Any, depth: int) -> Iterator[Instance]:
        if not isinstance(expression, Mapping) or depth <= 0:
            raise Unresolved
        if "constant_value" in expression:
            return
        references = expression.get("references")
        if not isinstance(references, list):
            raise Unresolved
        for text in _longest([str(item) for item in references]):
            yield from self._referred(text, module, index, depth - 1)

    def _referred(self, text: str, module: str, index: Any, depth: int) -> Iterator[Instance]:
        if text.startswith(_CHOOSERS):
            return
        if text.startswith("var."):
            yield from self._variable(text[4:].partition(".")[0].partition("[")[0], module, depth)
        elif text.startswith("module."):
            yield from self._output(text, module, depth)
        elif not text.startswith(("local.", "each.", "self.")):
            yield from self._resource(text, module, index)
        else:
            raise Unresolved

    def _variable(self, name: str, module: str, depth: int) -> Iterator[Instance]:
        """Those of the root module are known in every plan, so what is unknown does not come from them."""
        steps = _STEP.findall(module)
        if not steps:
            return
        above = "".join(f".module.{one}{key}" for one, key in steps[:-1]).lstrip(".")
        call = (self._module(above).get("module_calls") or {}).get(steps[-1][0]) or {}
        given = (call.get("expressions") or {}).get(name)
        if given is not None:
            yield from self._meant(given, above, _index(steps[-1][1]), depth)

    def _output(self, text: str, module: str, depth: int) -> Iterator[Instance]:
        step = _STEP.match(text)
        name = text[step.end() :].lstrip(".").partition(".")[0].partition("[")[0] if step else ""
        inner = f"{module}.{step[0]}".lstrip(".") if step else ""
        outputs = self._module(inner).get("outputs") or {}
        known = {key[0] for key in self.by_config if key[0] == inner or key[0].startswith(f"{inner}.")}
        if name not in outputs or not known:
            raise Unresolved
        yield from self._meant((outputs[name] or {}).get("expression"), inner, None, depth)

    def _resource(self, text: str, module: str, index: Any) -> Iterator[Instance]:
        found = _PLAIN.match(text)
        if not found:
            raise Unresolved
        config, key, attribute = found.groups()
        if attribute in _HARMLESS:
            return
        candidates = self.by_config.get((module, config), [])
        if attribute not in (None, "id"):
            raise Unresolved
        wanted = _index(key) if key else index
        chosen = [item for item in candidates if item.index == wanted] if len(candidates) > 1 else candidates
        if len(chosen) != 1:
            raise Unresolved
        yield chosen[0]


def _index(text: str) -> Any:
    inner = text[1:-1]
    return int(inner) if inner.isdigit() else inner[1:-1] if inner else None


def _longest(texts: list[str]) -> Iterator[str]:
    """Terraform lists with ``a.b.id`` its beginnings ``a.b`` too."""
    for text in dict.fromkeys(texts):
        if not any(other != text and other.startswith((f"{text}.", f"{text}[")) for other in texts):
            yield text
