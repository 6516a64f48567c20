"""JSON Schemas of every document that people write or tools read, made from the models that read and write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from allowlist.workflow.schema_words import KEYS

Schema = dict[str, Any]


def schema_of(model: type, title: str) -> Schema:
    """The schema of a model, with what each key means beside it."""
    (root,), found = msgspec.json.schema_components([model], ref_template="#/$defs/{name}")
    for section, schema in found.items():
        for key, text in KEYS.get(section, {}).items():
            if key in schema.get("properties", {}):
                schema["properties"][key].setdefault("description", text)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return head | root | {"$defs": found}


def _workload() -> Schema:
    from allowlist.workload.document import Workload

    return schema_of(Workload, "allowlist.yaml, a workload")


def _catalog() -> Schema:
    from allowlist.catalog.document import json_schema

    return json_schema()


def _facts() -> Schema:
    from allowlist.workflow.facts import FactsFile

    return schema_of(FactsFile, "what ARM cannot tell, for --facts")


def _mapping() -> Schema:
    from allowlist.estate.rule_lists import RuleList

    return schema_of(RuleList, "a mapping file, for lists of rules (NAME.rules.yaml)")


def _policy() -> Schema:
    from allowlist.workflow.approval_policy import PolicyDocument

    return schema_of(PolicyDocument, "an approval policy, for --policy")


def _decisions() -> Schema:
    from allowlist.store.approval_file import ApprovalDocument

    return schema_of(ApprovalDocument, "decisions in a file, for apply --approvals")


def _plan() -> Schema:
    from allowlist.plan.model import Plan

    return schema_of(Plan, "a plan, as plan -o writes it")


def _findings() -> Schema:
    from allowlist.plan.findings import SCHEMA, Status

    words = [status.value for status in Status]
    finding = _object(
        {
            "status": {"enum": words},
            "target": _TEXT,
            "severity": {"enum": ["error", "warning", "info"]},
            "requirement": {
                "anyOf": [
                    {"type": "null"},
                    _object(
                        dict.fromkeys(("catalog", "version", "entry", "pattern", "protocol"), _TEXT)
                        | {"port": {"type": ["integer", "string"]}},
                        {"scenario": _TEXT, "need": _TEXT, "sources": _TEXTS},
                    ),
                ]
            },
            "covered_by": _TEXTS,
            "witness": {
                "anyOf": [
                    {"type": "null"},
                    _object({"source": _TEXT, "fqdn": _TEXT, "port": _NUMBER, "protocol": _TEXT}),
                ]
            },
            "because": _TEXT,
            "remedy": _TEXT,
        },
        {"rule": _MAYBE, "code": _TEXT, "near_misses": _TEXTS},
    )
    counts = _object(dict.fromkeys(words, _NUMBER))
    return _document(SCHEMA, "check --json", {"summary": counts, "findings": _list(finding)})


def _explain() -> Schema:
    from allowlist.rules.model import Stage
    from allowlist.workflow.explaining import SCHEMA

    decided = dict.fromkeys(("policy", "group", "collection", "rule"), _MAYBE)
    wanted = _object({"catalog": _TEXT, "version": _TEXT, "entry": _TEXT}, {"scenario": _TEXT, "need": _TEXT})
    return _document(
        SCHEMA,
        "explain --json, one document for each flow and target",
        {
            "flow": _object({"source": _TEXT, "fqdn": _TEXT, "port": _NUMBER, "protocol": _TEXT}),
            "verdict": {"enum": ["allow", "deny", "unknown"]},
            "decided_by": _object({"stage": {"enum": [stage.value for stage in Stage]}} | decided),
            "because": _TEXT,
            "unknowns": _TEXTS,
            "wanted_by": _list(wanted),
        },
        {
            "target": _TEXT,
            "alert": {"type": "boolean"},
            "hides": _list(_object({"rule": _TEXT, "action": _TEXT})),
            "near_misses": _list(
                _object(
                    {"rule": _TEXT, "stage": _TEXT, "missing": _list(_object({"what": _TEXT, "text": _TEXT}))}
                )
            ),
            "wanted_elsewhere": _list(wanted),
            "path": _list({"type": "object"}),
            "fixed_by": _list(_object({"change": _MAYBE, "text": _TEXT}, {"doubt": _TEXT})),
        },
    )


def _history() -> Schema:
    from allowlist.workflow.decided import SCHEMA

    names = ("at", "verdict", "who", "identity", "reason", "workload", "plan")
    decision = _object(
        dict.fromkeys(names, _TEXT)
        | dict.fromkeys(("change", "target", "title", "risk"), _MAYBE)
        | {"names": _TEXTS, "runs": _list(_object({"run": _TEXT, "state": _TEXT}))},
        dict.fromkeys(("gate", "expires", "until"), _TEXT),
    )
    return _document(SCHEMA, "history --decisions --json", {"decisions": _list(decision)})


def _catalog_find() -> Schema:
    from allowlist.catalog.search import Relation, Subject
    from allowlist.render.catalog_hits import SCHEMA

    hit = _object(
        {
            "relation": {"enum": [item.value for item in Relation]},
            "subject": {"enum": [item.value for item in Subject]},
            "catalog": _TEXT,
            "version": _TEXT,
            "name": _TEXT,
            "text": _TEXT,
        },
        {"default": {"type": "boolean"}, "entry": {"type": "object"}, "parameters": {"type": "object"}},
    )
    found = _object(
        {"asked": _TEXT, "host": _MAYBE, "port": _MAYBE, "allowed_by": _TEXTS, "hits": _list(hit)}
    )
    return _document(SCHEMA, "catalog find --json", {"found": _list(found)})


def _evidence() -> Schema:
    from allowlist.render.evidence import SCHEMA

    tally = {"count": _NUMBER, "sources": _TEXTS, "sources_in_all": _NUMBER, "first": _MAYBE, "last": _MAYBE}
    ended = {"end": _TEXT, "by": _TEXT, "known_by": _TEXTS, "looks_like": _TEXT}
    read = _object(
        dict.fromkeys(("lines", "understood", "beside", "left_out", "repeated"), _NUMBER)
        | {"window_hours": _NUMBER, "is_short": _YES_OR_NO, "min_days": _NUMBER}
        | {"is_whole": _YES_OR_NO, "doubts": _TEXTS, "first": _MAYBE, "last": _MAYBE}
        | {"files": _list(_object({"file": _TEXT, "shape": _TEXT})), "copies": _TEXTS, "partial": _TEXTS}
        | {
            "first_left_out": _list(
                _object({"file": _TEXT, "line": {"type": ["integer", "null"]}, "why": _TEXT})
            )
        }
        | {"unread": _list(_object({"file": _TEXT, "why": _TEXT}))}
        | {"categories": {"type": "object", "additionalProperties": _NUMBER}}
        | {"gaps": _list(_object({"stream": _TEXT, "from": _TEXT, "to": _TEXT}))}
    )
    denied = _object(
        ended
        | {
            "name": _TEXT,
            "now": _TEXT,
            "now_by": _TEXT,
            "wanted_by": _TEXTS,
            "from_this_workload": _YES_OR_NO,
        }
        | tally
    )
    unused = _object({"kind": _TEXT, "subject": _TEXT, "text": _TEXT, "short": _YES_OR_NO})
    redundant = _object(
        {"target": _TEXT, "rule": _TEXT, "instead": _TEXTS, "decides": _TEXT, "text": _TEXT} | tally
    )
    return _document(
        SCHEMA,
        "evidence --json; unused and redundant are null where unused_refused says why nothing can be",
        {
            "workload": _TEXT,
            "read": read,
            "denied": _list(denied),
            "not_required": _list(_object(ended | {"name": _TEXT, "tighten": _TEXT} | tally)),
            "confirmed": _list(
                _object(
                    dict.fromkeys(("entry", "pattern", "last_allowed", "before", "after", "line"), _TEXT)
                )
            ),
            "unused": _unless_refused(unused),
            "unused_refused": _TEXTS,
            "redundant": _unless_refused(redundant),
            "what_if": _TEXT,
            "effects": _list(_object({"effect": _TEXT, "end": _TEXT, "before": _TEXT, "after": _TEXT} | tally)),
            "days": _list(_object({"day": _TEXT, "allowed": _NUMBER, "denied": _NUMBER})),
        },
    )  # fmt: skip


def _unless_refused(item: Schema) -> Schema:
    return {"type": ["array", "null"], "items": item}


SCHEMAS: Final[Mapping[str, Callable[[], Schema]]] = {
    "workload": _workload,
    "catalog": _catalog,
    "facts": _facts,
    "mapping": _mapping,
    "policy": _policy,
    "decisions": _decisions,
    "plan": _plan,
    "findings": _findings,
    "explain": _explain,
    "history": _history,
    "catalog-find": _catalog_find,
    "evidence": _evidence,
}
"""Every document by the name that ``allowlist schema`` takes."""

_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "array", "items": {"type": "string"}}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}
_NUMBER: Final[Schema] = {"type": "integer"}
_YES_OR_NO: Final[Schema] = {"type": "boolean"}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _object(needed: Mapping[str, Schema], more: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these keys; others may be added to it later."""
    return {"type": "object", "properties": {**needed, **(more or {})}, "required": list(needed)}


def _document(
    name: str, title: str, needed: Mapping[str, Schema], more: Mapping[str, Schema] | None = None
) -> Schema:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return head | _object({"schema": {"const": name}, **needed}, more)


def undescribed(schema: Schema) -> Iterator[str]:
    """Keys of ``schema`` that nothing is said about, as ``Section.key``."""
    for section, body in schema.get("$defs", {}).items():
        for key, value in body.get("properties", {}).items():
            if not value.get("description"):
                yield f"{section}.{key}"
