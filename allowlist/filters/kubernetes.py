"""Kubernetes NetworkPolicy: addresses and ports, no names. It can say "every name", and nothing narrower.

A peer of a NetworkPolicy is a selector of pods or an ``ipBlock`` (networking.k8s.io/v1, NetworkPolicyPeer); names are
what CiliumNetworkPolicy and others add.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allowlist.filters.documents import by_port, documents, yaml_of
from allowlist.filters.format import Files, Imported, Place, Scope, line_of
from allowlist.filters.lists import Kind, Lists, Service

__all__ = ["KubernetesNetworkPolicy"]


class KubernetesNetworkPolicy:
    """Egress rules with ports and without peers: to everywhere. Names are refused: list them where they can be said."""

    name = "kubernetes"
    title = "Kubernetes NetworkPolicy"
    reconnects = False
    sees = staticmethod(by_port)
    says = frozenset({Kind.EVERYTHING})
    widens: Mapping[Kind, Kind] = {}
    notes = (
        (
            "A NetworkPolicy knows addresses and no names: only 'every name' can be said. Use cilium where the cluster has it, "
            "or a proxy or firewall behind the cluster."
        ),
        "The podSelector is empty, every pod of the namespace: narrow it to your workload.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        egress: list[dict[str, Any]] = []
        for service, _ in lists:
            port: dict[str, Any] = {"port": service.low, "protocol": "TCP"}
            if service.high != service.low:
                port["endPort"] = service.high
            egress.append({"ports": [port]})
        body = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "allowlist"},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": egress},
        }
        return {"allowlist.networkpolicy.yaml": yaml_of(title, body)}

    def read(self, files: Files) -> Imported:
        """Rules add to what passes; addresses make names unknown, which may have them. Peers inside a cluster are none."""
        found = Imported()
        for file, text in files.items():
            for document in documents(file, text):
                spec = document.get("spec") if isinstance(document, dict) else None
                for rule in (spec or {}).get("egress") or []:
                    if isinstance(rule, dict):
                        _read_rule(found, rule, file, text)
        return found


def _read_rule(found: Imported, rule: dict[str, Any], file: str, text: str) -> None:
    services = tuple(_services(rule))
    peers = rule.get("to") or []
    blocks = [peer["ipBlock"] for peer in peers if isinstance(peer, dict) and peer.get("ipBlock")]
    if services and not peers:
        found.say(True, Scope(place=Place("egress", file, line_of(text, "egress")), services=services))
    for block in blocks if services else ():
        entry = str(block.get("cidr"))
        whole = entry == "0.0.0.0/0" and not block.get("except")
        doubts = () if whole else (f"the addresses {entry}",)
        place = Place(entry, file, line_of(text, entry))
        found.say(True, Scope(place=place, services=services, doubts=doubts))


def _services(rule: dict[str, Any]) -> list[Service]:
    if not rule.get("ports"):
        return [Service("tcp")]
    found = []
    for port in rule["ports"]:
        if str(port.get("protocol", "TCP")).upper() != "TCP":
            continue
        number = port.get("port")
        if number is None:
            found.append(Service("tcp"))
        elif str(number).isdecimal():
            found.append(Service("tcp", int(number), int(port.get("endPort", number))))
    return found
