"""Lists of other vendors, by their documentation: Cilium, AWS domain lists, PAN-OS, FortiGate, Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import yaml

from allowlist.errors import InvalidInput
from allowlist.filters.dialects import DIALECTS, Dialect
from allowlist.filters.format import (
    Files,
    Imported,
    Trouble,
    TroubleKind,
    comment_lines,
    commented,
    gather,
    names_in,
)
from allowlist.filters.lists import ANY_SERVICE, Kind, Lists, Service, Shape
from allowlist.filters.reading import Reading, everything

_BY_ADDRESS: Final = (
    "It opens addresses that the names resolve to: other hosts on the same address pass as well."
)


def _by_port(service: Service) -> Service | None:
    """For filters that open addresses learnt from names: they tell ports apart, not what is spoken there."""
    return None if service.protocol in ("icmp", "udp") else Service("tcp", service.low, service.high)


class Cilium:
    """``toFQDNs`` of a CiliumNetworkPolicy. ``*`` stays within one label; ``**.x`` (any depth) came in 2026."""

    name = "cilium"
    title = "Cilium toFQDNs egress policy"
    sees = staticmethod(_by_port)
    says = frozenset({Kind.EXACT, Kind.BELOW, Kind.TREE, Kind.EVERYTHING})
    widens: Mapping[Kind, Kind] = {}
    notes = (
        _BY_ADDRESS,
        "'**.' needs a Cilium released after January 2026; older ones read it as one label.",
        "The endpointSelector is empty, every pod of the namespace: narrow it to your workload.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        egress: list[dict[str, Any]] = [_cilium_dns(lists)]
        for service, shapes in lists:
            port: dict[str, Any] = {"port": str(service.low), "protocol": "TCP"}
            if service.high != service.low:
                port["endPort"] = service.high
            names = [item for shape, _ in shapes for item in _cilium_items(shape)]
            egress.append({"toFQDNs": names, "toPorts": [{"ports": [port]}]})
        body = {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNetworkPolicy",
            "metadata": {"name": "allowlist"},
            "spec": {"endpointSelector": {}, "egress": egress},
        }
        return {"allowlist.cilium.yaml": _yaml(title, body)}

    def read(self, files: Files) -> Imported:
        found = Imported()
        dialect = DIALECTS["cilium matchPattern"]
        for file, text in files.items():
            for document in _documents(file, text):
                for rule in _egress_rules(document):
                    for service in _cilium_services(rule):
                        for item in rule.get("toFQDNs", []):
                            entry = str(item.get("matchName") or item.get("matchPattern") or "")
                            found.add(service, entry, dialect.read(entry), file, 0)
        return found


def _egress_rules(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        specs = [document.get("spec"), *(document.get("specs") or [])]
        for spec in specs:
            yield from (rule for rule in (spec or {}).get("egress", []) if "toFQDNs" in rule)


def _cilium_services(rule: dict[str, Any]) -> Iterator[Service]:
    ports = [port for group in rule.get("toPorts", []) for port in group.get("ports", [])]
    if not ports:
        yield ANY_SERVICE
    for port in ports:
        low = int(port["port"])
        yield Service("tcp", low, int(port.get("endPort", low)))


def _cilium_items(shape: Shape) -> list[dict[str, str]]:
    match shape.kind:
        case Kind.EXACT:
            return [{"matchName": shape.name}]
        case Kind.EVERYTHING:
            return [{"matchPattern": "*"}]
        case Kind.TREE:
            return [{"matchName": shape.name}, {"matchPattern": f"**.{shape.name}"}]
        case _:
            return [{"matchPattern": f"**.{shape.name}"}]


def _cilium_dns(lists: Lists) -> dict[str, Any]:
    """Cilium learns addresses from DNS answers it sees, so DNS has to go through its proxy."""
    del lists
    labels = {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}
    ports = [{"port": "53", "protocol": "ANY"}]
    rules = {"dns": [{"matchPattern": "*"}]}
    return {"toEndpoints": [{"matchLabels": labels}], "toPorts": [{"ports": ports, "rules": rules}]}


class _TextList:
    """One list file per service, an entry a line."""

    name: str
    dialect: Dialect
    ending = "txt"

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        return {
            f"allowlist-{service.slug}.{self.ending}": commented(
                f"{title}: {service}",
                [(entry, who) for shape, who in shapes for entry in self.entries(shape)],
            )
            for service, shapes in lists
        }

    def entries(self, shape: Shape) -> Iterator[str]:
        yield from shape.patterns

    def read(self, files: Files) -> Imported:
        found = Imported()
        for file, text in files.items():
            service = _service_in(file)
            for line, entry in gather(text.splitlines()):
                found.add(service, entry, self.reading(entry), file, line)
        return found

    def reading(self, entry: str) -> Reading:
        return self.dialect.read(entry)


class PaloAlto(_TextList):
    """External dynamic list of type URL, or the entries of a custom URL category: ``x/`` and ``*.x/``."""

    name = "pan-os"
    title = "PAN-OS external dynamic list (URL) or custom URL category"
    sees = staticmethod(names_in("https", "http"))
    says = frozenset({Kind.EXACT, Kind.BELOW, Kind.TREE})
    widens: Mapping[Kind, Kind] = {}
    notes = ("One list for each service: use it in a rule with that service.",)
    dialect = DIALECTS["pan-os url"]

    def entries(self, shape: Shape) -> Iterator[str]:
        yield from (f"{pattern}/" for pattern in shape.patterns)


class AwsDomainList:
    """Domain list of a stateful rule group: ``x`` and ``.x`` (name and everything below)."""

    name = "aws-domain-list"
    title = "AWS Network Firewall domain list"
    sees = staticmethod(names_in("https", "http"))
    says = frozenset({Kind.EXACT, Kind.TREE})
    widens: Mapping[Kind, Kind] = {Kind.BELOW: Kind.TREE}
    notes = (
        "A domain list looks at TLS and HTTP on every port; use the format suricata to tell ports apart.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        del title
        files = {}
        for service, shapes in lists:
            targets = [f".{shape.name}" if shape.kind is Kind.TREE else shape.name for shape, _ in shapes]
            source = {
                "Targets": targets,
                "TargetTypes": ["TLS_SNI" if service.protocol == "https" else "HTTP_HOST"],
                "GeneratedRulesType": "ALLOWLIST",
            }
            files[f"allowlist-{service.slug}.json"] = _json({"RulesSource": {"RulesSourceList": source}})
        return files

    def read(self, files: Files) -> Imported:
        found = Imported()
        for file, text in files.items():
            for document in _documents(file, text):
                source = document.get("RulesSource", {}).get("RulesSourceList", {})
                if source.get("GeneratedRulesType") != "ALLOWLIST":
                    found.troubles.append(
                        Trouble(TroubleKind.OPAQUE, file, 0, file, "is no list of allowed domains")
                    )
                    continue
                for kind in source.get("TargetTypes", []):
                    service = _service_in(file, "https" if kind == "TLS_SNI" else "http")
                    for entry in source.get("Targets", []):
                        found.add(service, entry, DIALECTS["aws domain list"].read(entry), file, 0)
        return found


class FortiGate:
    """FQDN address objects with their group, as configuration commands."""

    name = "fortigate"
    title = "FortiGate FQDN address objects"
    sees = staticmethod(_by_port)
    says = frozenset({Kind.EXACT, Kind.BELOW, Kind.TREE})
    widens: Mapping[Kind, Kind] = {}
    notes = (
        _BY_ADDRESS,
        "A wildcard is filled from DNS answers that pass the FortiGate, at most 1,000 addresses an object.",
        "Use each group in a policy with the service its name says.",
    )

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        lines = comment_lines(title)
        for service, shapes in lists:
            entries = [(entry, who) for shape, who in shapes for entry in shape.patterns]
            lines += ["config firewall address"]
            for entry, who in entries:
                comment = [f'set comment "{", ".join(who)[:255]}"'] if who else []
                body = ["set type fqdn", f'set fqdn "{entry}"', *comment]
                lines += [
                    f'    edit "{_object_name(entry)}"',
                    *(f"        {text}" for text in body),
                    "    next",
                ]
            members = " ".join(f'"{_object_name(entry)}"' for entry, _ in entries)
            group = [f'    edit "allowlist-{service.slug}"', f"        set member {members}", "    next"]
            lines += ["end", "config firewall addrgrp", *group, "end"]
        return {"allowlist.fortigate.conf": "\n".join([*lines, ""])}

    def read(self, files: Files) -> Imported:
        found = Imported()
        for file, text in files.items():
            objects: dict[str, tuple[str, int]] = {}
            edited = ""
            for line, entry in enumerate(text.splitlines(), 1):
                words = re.findall(r'"([^"]*)"|(\S+)', entry)
                flat = [quoted or plain for quoted, plain in words]
                if flat[:1] == ["edit"]:
                    edited = flat[1]
                elif flat[:2] == ["set", "fqdn"]:
                    objects[edited] = (flat[2], line)
                elif flat[:2] == ["set", "member"]:
                    for member in flat[2:]:
                        if member in objects:
                            name, where = objects[member]
                            found.add(
                                _service_in(edited), name, DIALECTS["fortigate fqdn"].read(name), file, where
                            )
        return found


def _object_name(entry: str) -> str:
    """At most 79 characters, and no asterisk in front."""
    return f"al-{entry.replace('*.', 'below.')}"[:79]


class GoogleSecureWebProxy:
    """A UrlList. ``*x`` there means the name and everything below it, not every name that ends so."""

    name = "gcp-swp"
    title = "Google Cloud Secure Web Proxy UrlList"
    sees = staticmethod(names_in("https", "http"))
    says = frozenset({Kind.EXACT, Kind.BELOW, Kind.TREE, Kind.EVERYTHING})
    widens: Mapping[Kind, Kind] = {}
    notes = ("One list for each service: use it with inUrlList(host(), …) in a rule for that port.",)

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        return {
            f"allowlist-{service.slug}.yaml": _yaml(
                f"{title}: {service}",
                {
                    "name": f"allowlist-{service.slug}",
                    "values": [
                        f"*{shape.name}" if shape.kind is Kind.TREE else shape.patterns[0]
                        for shape, _ in shapes
                    ],
                },
            )
            for service, shapes in lists
        }

    def read(self, files: Files) -> Imported:
        found = Imported()
        for file, text in files.items():
            for document in _documents(file, text):
                for entry in document.get("values", []):
                    reading = everything() if entry == "*" else DIALECTS["gcp url list"].read(str(entry))
                    found.add(_service_in(file), str(entry), reading, file, 0)
        return found


def _service_in(label: str, protocol: str = "") -> Service:
    """The service that a file or group name says, ``…https-443…``; any service where it says none."""
    match = re.search(r"(https|http|tcp|mssql)-(\d+)(?:-(\d+))?", label)
    if not match:
        return {"https": Service("https", 443, 443), "http": Service("http", 80, 80)}.get(
            protocol, ANY_SERVICE
        )
    low = int(match.group(2))
    return Service(match.group(1), low, int(match.group(3) or low))


def _documents(file: str, text: str) -> list[Any]:
    try:
        return [
            item for item in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if item
        ]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InvalidInput.of(file, "is neither YAML nor JSON", line=mark.line + 1 if mark else 0) from None


def _json(body: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n"


def _yaml(title: str, body: Any) -> str:
    """JSON is YAML, and says every text in quotation marks: no name is ever read as a number or a truth value."""
    return "\n".join([*comment_lines(title), _json(body)])
