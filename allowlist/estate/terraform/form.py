"""How ``terraform show -json`` is told apart from other JSON, and what of it cannot be relied on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allowlist.errors import InvalidInput

_PARTS = {"planned_values", "resource_changes", "prior_state", "values", "terraform_version"}
_SHOW = "terraform show -json PLAN > plan.json, all of it"


def is_terraform(data: Mapping[str, Any]) -> bool:
    """A plan or a state; the state's own file (``lineage``) too, which is refused with what to do instead."""
    shown = isinstance(data.get("format_version"), str) and bool(_PARTS & data.keys())
    return shown or is_state_file(data)


def is_state_file(data: Mapping[str, Any]) -> bool:
    return "lineage" in data and "serial" in data and "terraform_version" in data


def is_plan(data: Mapping[str, Any]) -> bool:
    return "planned_values" in data or "resource_changes" in data


def refuse_unusable(data: Mapping[str, Any], file: str) -> None:
    """Raises InvalidInput for another major version, a plan that failed, and one that lost what is unknown in it.

    The format: "reject any input which reports an unsupported major version" (Terraform, JSON output format).
    """
    if is_state_file(data):
        raise InvalidInput.of(
            file, "is a state file, whose format is Terraform's own", hint="terraform show -json > state.json"
        )
    version = str(data["format_version"])
    if version.partition(".")[0] not in ("0", "1"):
        raise InvalidInput.of(
            file, f"has format_version {version}; 1.x is read", hint="update allowlist, or use Terraform 1.x"
        )
    if data.get("errored") is True:
        raise InvalidInput.of(
            file, "is a plan that ended with an error, so it is not whole", hint="mend it and plan again"
        )
    planned = data.get("planned_values")
    if "resource_changes" not in data and _holds_resources(planned):
        raise InvalidInput.of(
            file, "lacks resource_changes, which say what is known only after apply", hint=_SHOW
        )


def _holds_resources(planned: Any) -> bool:
    root = planned.get("root_module") if isinstance(planned, Mapping) else None
    return isinstance(root, Mapping) and bool(root.get("resources") or root.get("child_modules"))
