"""JSON Schemas of what commands print with ``--json``, and which command prints which.

A shape is written as its answer looks: an object as a mapping (a key that ends with ``?`` may be missing), a list as a
list of one shape, and a word for the rest. Keys may be added to an object later; none is taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

Schema = dict[str, Any]
Shape = str | Mapping[str, Any] | list[Any]

_WORDS: Final[Mapping[str, Schema]] = {
    "text": {"type": "string"},
    "text or null": {"type": ["string", "null"]},
    "integer": {"type": "integer"},
    "integer or null": {"type": ["integer", "null"]},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "boolean or null": {"type": ["boolean", "null"]},
    "object": {"type": "object"},
    "object or null": {"type": ["object", "null"]},
    "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    "texts by name": {"type": "object", "additionalProperties": {"type": "string"}},
    "anything": {},
}
_TEXTS: Final = ["text"]

_SIGN: Final = {
    "file": "text",
    "line": "integer or null",
    "what": "text",
    "value": "text",
    "version": "text or null",
    "confidence": "text",
}
_CHANGE: Final = {
    "change": "text",
    "loses": "boolean",
    "before?": "object",
    "after?": "object",
    "impact": "text",
    "notice": "text",
    "bump": "text",
}
_EVIDENCE: Final = [{"resource": "text", "path": "text", "value": "anything"}]
_POSTURE_FINDING: Final = {
    "id": "text",
    "code": "text",
    "service": "text",
    "state": "text",
    "severity": "text",
    "resource": "text or null",
    "recommended": "text",
    "source": "text",
    "because": "text",
    "evidence": _EVIDENCE,
    "remedy": "text",
    "suppressed_by": "object or null",
}
_PLACE: Final = {"kind": "text", "value": "text", "direction": "text", "cloud": "text"}
_ROWS: Final = {"repo": "text", "path": "text", "commit": "text", "lines": ["object"]}

SHAPES: Final[Mapping[str, tuple[str, str, Shape]]] = {
    "apply": (
        "apply --json",
        "",
        {"run": "text", "fates": "texts by name", "converged": "boolean or null", "open": _TEXTS, "error": "text or null"},
    ),
    "catalog-add": (
        "catalog add --json",
        "allowlist/catalog-add/v1",
        {"file": "text", "added": ["object"], "left_out": [{"name": "text", "port": "text", "why": "text"}]},
    ),
    "catalog-changes": (
        "catalog changes --json",
        "allowlist/catalog-changes/v1",
        {
            "since": "text",
            "version": "text",
            "changes": [
                dict.fromkeys(("catalog", "version", "date", "change", "entry", "value", "was"), "text")
                | dict.fromkeys(("ports", "clouds", "sources", "evidence"), _TEXTS)
                | {"scenario": "text", "need": "text", "loses": "boolean", "impact": "text", "notice": "text"}
            ],
        },
    ),
    "catalog-diff": (
        "catalog diff --json",
        "allowlist/catalog-diff/v1",
        {"catalog": "text", "from": "text", "to": "text", "bump": "text", "changes": [_CHANGE]},
    ),
    "catalog-follow": (
        "catalog follow --json",
        "",
        dict.fromkeys(("updated", "unchanged", "kept"), _TEXTS)
        | {"refused": "texts by name", "held": "texts by name", "version": "text", "digest": "text"},
    ),
    "catalog-lint": (
        "catalog lint --json",
        "allowlist/catalog-lint/v1",
        {
            "summary": "counts",
            "files": _TEXTS,
            "findings": [
                dict.fromkeys(("rule", "severity", "file", "message", "remedy"), "text")
                | {"line": "integer", "column": "integer"}
            ],
        },
    ),
    "catalog-list": (
        "catalog list --json",
        "",
        [
            {"name": "text", "title": "text", "latest": "text", "date": "text", "entries": "integer"}
            | {"scenarios": "object", "releases": _TEXTS}
        ],
    ),
    "catalog-live": (
        "catalog live --json",
        "allowlist/catalog-live/v1",
        {
            "workspace": "text",
            "against": "text",
            "unknown": [
                {"pattern": "text", "ports": _TEXTS, "category": "text", "witness": "text or null"}
            ],
            "known": [{"pattern": "text", "ports": _TEXTS, "category": "text"}],
            "unmentioned": [{"pattern": "text", "entry": "text", "need": "text"}],
        },
    ),
    "catalog-packages": (
        "catalog find --package --json",
        "allowlist/catalog-packages/v1",
        {"packages": [{"package": "text", "version": "text or null", "known": "boolean", "names": ["object"]}]},
    ),
    "catalog-review": (
        "catalog review --json",
        "",
        [
            dict.fromkeys(("catalog", "file", "bump", "next_version"), "text")
            | {"changes": [_CHANGE], "evidence": ["object"]}
        ],
    ),
    "catalog-view": (
        "catalog show --json",
        "allowlist/catalog-view/v1",
        dict.fromkeys(("catalog", "title", "description", "version", "date", "digest"), "text")
        | {"scenarios": "object", "placeholders": "texts by name", "entries": ["object"]},
    ),
    "catalog-upgrades": (
        "catalog upgrades --json",
        "allowlist/catalog-upgrades/v1",
        {"upgrades": [{"catalog": "text", "pinned": "text", "latest": "text", "changes": [_CHANGE]}]},
    ),
    "catalog-upstream": (
        "catalog upstream --json",
        "allowlist/catalog-upstream/v1",
        {
            "pages": [
                {"repo": "text", "path": "text", "commit": "text", "rows": "integer", "trouble": "text", "moved_to?": "anything"}
            ],
            "findings": [
                dict.fromkeys(("id", "catalog", "change", "risk", "reason", "standing", "withheld"), "text")
                | _PLACE
                | {"ports": {"before": _TEXTS, "after": _TEXTS}, "said?": "object", "entries": _TEXTS}
                | {"first_seen": "text", "ready_on": "text", "evidence": _ROWS}
            ],
            "gaps": [{"catalog": "text"} | _PLACE | {"evidence": _ROWS}],
            "owed": [{"catalog": "text", "repo": "text", "path": "text", "held_by": _TEXTS, "places": [_PLACE]}],
            "unseen": [{"catalog": "text", "repo": "text", "path": "text", "entries": _TEXTS}],
            "discovered": [
                {"repo": "text", "path": "text", "date": "text", "because": "text", "catalogs": _TEXTS}
                | {"names": _TEXTS, "unknown": [{"kind": "text", "value": "text", "line": "integer", "quote": "text"}]}
            ],
            "pages_not_read": "integer",
        },
    ),
    "compare": (
        "compare --json",
        "",
        [
            {
                "target": "text",
                "relation": "text",
                "breaks": ["object"],
                "mends": ["object"],
                "differences": [
                    {"pattern": "text", "except": _TEXTS, "service": "text", "opens": _TEXTS, "closes": _TEXTS}
                    | {"certain": "boolean", "witness": "object or null"}
                ],
            }
        ],
    ),
    "export": (
        "export --to FORMAT --json",
        "allowlist/export/v1",
        {
            "of": "text",
            "to": "text",
            "exact": "boolean",
            "entries": "integer",
            "files": "texts by name",
            "widenings": [dict.fromkeys(("service", "wanted", "written", "witness"), "text") | {"wanted_by": _TEXTS}],
            "left_out": [{"what": "text", "because": "text", "wanted_by": _TEXTS}],
            "sizes": [{"what": "text", "count": "integer", "most": "integer or null", "source": "text"}],
            "notes": _TEXTS,
        },
    ),
    "export-declared": (
        "export of a plan as Terraform, Bicep or ARM, --json",
        "allowlist/export/v1",
        {
            "format": "text",
            "files": "texts by name",
            "resources": [{"id": "text", "type": "text", "exists": "boolean", "for": _TEXTS}],
            "left_out": _TEXTS,
        },
    ),
    "export-formats": (
        "export --list --json",
        "",
        [{"name": "text", "title": "text", "says": _TEXTS, "notes": _TEXTS}],
    ),
    "approval-in-force": (
        "policy --json; what is not set is left out",
        "",
        {"origin": "text", "digest": "text", "approvers?": _TEXTS, "four_eyes?": "boolean", "quorum?": "counts"}
        | {"signers?": "text", "assumptions?": "text"},
    ),
    "posture": (
        "posture --json",
        "allowlist/posture/v1",
        {
            "workload": "text",
            "cloud": "text",
            "origin": "text",
            "created": "text",
            "summary": "counts",
            "services": [{"service": "text", "state": "text", "needs_outbound": "object or null", "findings": _TEXTS}],
            "findings": [_POSTURE_FINDING],
            "notes": [_POSTURE_FINDING],
            "met": [_POSTURE_FINDING],
            "paths": [
                {
                    "subnet": "text",
                    "addresses": "anything",
                    "steps": [
                        {"stage": "text", "state": "text", "name": "text", "because": "text"}
                        | {"evidence": _EVIDENCE, "worst_finding": "text or null"}
                    ],
                }
            ],
            "expired_suppressions": [{"id": "text", "owner": "text", "expires": "text"}],
            "unused_suppressions": [{"id": "text", "owner": "text"}],
            "unreadable": ["anything"],
            "unsettled": ["object"],
        },
    ),
    "recommend": (
        "recommend --json",
        "allowlist/recommend/v1",
        {
            "files": "integer",
            "catalogs": [
                {"catalog": "text", "version": "text", "scenario": "text or null", "need": "text"}
                | {"confidence": "text", "names": _TEXTS, "because": [_SIGN]}
            ],
            "requirements": [{"name": "text", "port": "text", "confidence": "text", "because": [_SIGN]}],
            "parameters": "texts by name",
            "missing_parameters": "texts by name",
            "refuse": [
                {"package": "text", "name": "text", "catalog": "text", "switch": "text or null", "text": "text"}
                | {"because": [_SIGN]}
            ],
            "not_placed": [{"text": "text", "place": "text", "because": "text"}],
        },
    ),
    "runs": (
        "history --json; with RUN one run and its steps",
        "",
        [
            dict.fromkeys(("run", "plan", "kind", "state", "who", "cloud", "tenant", "begun"), "text")
            | {"finished": "text or null", "resumes": "text or null", "summary": "object", "steps?": ["object"]}
        ],
    ),
    "simplify": (
        "simplify --json",
        "",
        [
            {"target": "text", "kind": "text", "rules": _TEXTS, "instead": "object or null"}
            | {"effect": "text", "closes": _TEXTS}
        ],
    ),
    "simulator": (
        "simulate --json",
        "",
        {"url": "text", "ca_file": "text or null", "environment": "texts by name"},
    ),
    "sync": (
        "sync --json",
        "allowlist/sync/v1",
        {
            "run": "text",
            "exit_code": "integer",
            "summary": "counts",
            "arm_requests": "counts",
            "targets": [
                dict.fromkeys(("workload", "target", "state", "text", "hint", "plan", "run"), "text")
                | dict.fromkeys(("exit_code", "applied", "waiting", "gaps", "missing", "findings"), "integer")
                | {"drift": [{"rule": "text", "what": "text", "who": "text", "at": "text"}]}
                | {"lines": _TEXTS, "denied": _TEXTS, "seconds": "number"}
            ],
            "notifications": [{"channel": "text", "told": "integer", "error": "text or null"}],
        },
    ),
}  # fmt: skip

PRINTED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "apply": ("apply",),
    "catalog add": ("catalog-add",),
    "catalog changes": ("catalog-changes",),
    "catalog diff": ("catalog-diff",),
    "catalog find": ("catalog-find", "catalog-packages"),
    "catalog follow": ("catalog-follow",),
    "catalog lint": ("catalog-lint",),
    "catalog list": ("catalog-list",),
    "catalog live": ("catalog-live",),
    "catalog review": ("catalog-review",),
    "catalog show": ("catalog-view",),
    "catalog upgrades": ("catalog-upgrades",),
    "catalog upstream": ("catalog-upstream",),
    "check": ("findings",),
    "compare": ("compare",),
    "evidence": ("evidence",),
    "explain": ("explain",),
    "export": ("export", "export-declared", "export-formats"),
    "history": ("runs", "history"),
    "plan": ("plan",),
    "policy": ("approval-in-force",),
    "posture": ("posture",),
    "recommend": ("recommend",),
    "simplify": ("simplify",),
    "simulate": ("simulator",),
    "sync": ("sync",),
}
"""By command, the schemas of what it prints with ``--json``; of several the first is the usual one."""


def schema_of_shape(shape: Shape) -> Schema:
    if isinstance(shape, str):
        return dict(_WORDS[shape])
    if isinstance(shape, list):
        return {"type": "array", "items": schema_of_shape(shape[0])}
    return {
        "type": "object",
        "properties": {key.removesuffix("?"): schema_of_shape(value) for key, value in shape.items()},
        "required": [key for key in shape if not key.endswith("?")],
    }


def _answer(name: str) -> Schema:
    title, constant, shape = SHAPES[name]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    body = schema_of_shape(shape)
    if constant:
        body["properties"] = {"schema": {"const": constant}, **body["properties"]}
        body["required"] = ["schema", *body["required"]]
    return head | body


ANSWERS: Final[Mapping[str, Callable[[], Schema]]] = {name: partial(_answer, name) for name in SHAPES}
