"""Plans and states of Terraform in the documented form of ``show -json``, format version 1.2."""

from __future__ import annotations

from typing import Any

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-hub"
POLICY_ID = f"{GROUP}/providers/Microsoft.Network/firewallPolicies/afwp-acme"
_UNSET = object()


def change(
    address: str,
    after: dict[str, Any] | None = None,
    *,
    unknown: Any = _UNSET,
    sensitive: Any = False,
    before: dict[str, Any] | None = None,
    actions: tuple[str, ...] = (),
    module: str = "",
    index: Any = None,
) -> dict[str, Any]:
    """One entry of ``resource_changes``; what is not said follows from ``before`` and ``after``."""
    *data, kind, name = address.removeprefix(f"{module}.").partition("[")[0].split(".")
    done = actions or (("create",) if before is None else ("delete",) if after is None else ("update",))
    marks = ({"id": True} if before is None else {}) if unknown is _UNSET else unknown
    return {
        "address": address,
        **({"module_address": module} if module else {}),
        "mode": "data" if data else "managed",
        "type": kind,
        "name": name,
        **({"index": index} if index is not None else {}),
        "provider_name": "registry.terraform.io/hashicorp/azurerm",
        "change": {
            "actions": list(done),
            "before": before,
            "after": after,
            "after_unknown": marks,
            "before_sensitive": False,
            "after_sensitive": sensitive,
        },
    }


def plan(*changes: dict[str, Any], root: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A whole plan; ``root`` is the root module of its configuration."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.13.4",
        "planned_values": {"root_module": {"resources": []}},
        "resource_changes": list(changes),
        "configuration": {"provider_config": {}, "root_module": root or {}},
        "errored": False,
        **more,
    }


def state(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A state; ``resources`` as :func:`known` makes them."""
    return {
        "format_version": "1.0",
        "terraform_version": "1.13.4",
        "values": {"root_module": {"resources": list(resources)}},
        **more,
    }


def known(address: str, values: dict[str, Any], sensitive: Any = None) -> dict[str, Any]:
    *data, kind, name = address.split(".")
    return {
        "address": address,
        "mode": "data" if data else "managed",
        "type": kind,
        "name": name,
        "values": values,
        "sensitive_values": sensitive or {},
    }


def configured(address: str, **expressions: Any) -> dict[str, Any]:
    """A resource of the configuration."""
    *data, kind, name = address.split(".")
    mode = "data" if data else "managed"
    return {"address": address, "mode": mode, "type": kind, "name": name, "expressions": expressions}


def refers(*texts: str) -> dict[str, Any]:
    """An expression, with the beginnings of each reference that Terraform lists as well."""
    return {"references": [item for text in texts for item in (text, text.rpartition(".")[0])]}


POLICY: dict[str, Any] = {
    "name": "afwp-acme",
    "resource_group_name": "rg-hub",
    "location": "westeurope",
    "sku": "Standard",
    "base_policy_id": None,
    "dns": [],
    "threat_intelligence_mode": "Alert",
    "threat_intelligence_allowlist": [],
    "explicit_proxy": [],
    "intrusion_detection": [],
    "tls_certificate": [],
    "insights": [],
    "identity": [],
    "private_ip_ranges": None,
    "sql_redirect_allowed": None,
}


def rule(*names: Any, **more: Any) -> dict[str, Any]:
    """An application rule to ``names`` on https."""
    return {
        "name": "one",
        "description": None,
        "source_addresses": ["10.0.0.0/24"],
        "source_ip_groups": None,
        "protocols": [{"type": "Https", "port": 443}],
        "destination_addresses": None,
        "destination_fqdns": list(names),
        "destination_urls": None,
        "destination_fqdn_tags": None,
        "terminate_tls": None,
        "web_categories": None,
        "http_headers": [],
        **more,
    }


def group(*rules: dict[str, Any], name: str = "ai", action: str = "Allow", **more: Any) -> dict[str, Any]:
    collection = {"name": "web", "priority": 200, "action": action, "rule": list(rules)}
    return {
        "name": name,
        "priority": 300,
        "firewall_policy_id": POLICY_ID,
        "application_rule_collection": [collection] if rules else [],
        "network_rule_collection": [],
        "nat_rule_collection": [],
        "timeouts": None,
        **more,
    }
