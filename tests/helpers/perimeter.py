"""A small network security perimeter as raw ARM JSON: one profile, a speech account behind it, a link."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ai/providers"
PERIMETER = f"{GROUP}/Microsoft.Network/networkSecurityPerimeters/nsp-ai"
PROFILE = f"{PERIMETER}/profiles/agents"
OTHER = f"{GROUP}/Microsoft.Network/networkSecurityPerimeters/nsp-data"
SPEECH = f"{GROUP}/Microsoft.CognitiveServices/accounts/speech-callcenter"
THEIRS = f"{PROFILE}/accessRules/theirs"
ASSOCIATION = f"{PERIMETER}/resourceAssociations/speech"


def outbound(*hosts: str, **more: Any) -> Body:
    return {"direction": "Outbound", "fullyQualifiedDomainNames": list(hosts), **more}


def resource(resource_id: str, properties: Body) -> Body:
    namespace, *parts = resource_id.rpartition("/providers/")[2].split("/")
    kind = "/".join([namespace, *parts[::2]])
    return {"id": resource_id, "name": parts[-1], "type": kind, "properties": properties}


def perimeter(
    mode: str = "Enforced", rules: dict[str, Body] | None = None, *, link: bool = False
) -> list[Body]:
    """The perimeter with a rule of somebody else; ``rules`` are further rules by name."""
    bodies = [
        {**resource(PERIMETER, {}), "location": "westeurope"},
        {**resource(OTHER, {}), "location": "westeurope"},
        resource(PROFILE, {"accessRulesVersion": "1"}),
        resource(THEIRS, outbound("theirs.example")),
        resource(
            ASSOCIATION,
            {"privateLinkResource": {"id": SPEECH}, "profile": {"id": PROFILE}, "accessMode": mode},
        ),
    ]
    bodies += [resource(f"{PROFILE}/accessRules/{name}", rule) for name, rule in (rules or {}).items()]
    if link:
        remote = {"autoApprovedRemotePerimeterResourceId": OTHER, "status": "Approved"}
        bodies.append(resource(f"{PERIMETER}/links/data", remote))
    return bodies
