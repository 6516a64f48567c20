"""Lists of other vendors, by their documentation: Cilium, AWS domain lists, PAN-OS, FortiGate, Google Cloud."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from xml.etree import ElementTree as ET

from allowlist.errors import InvalidInput
from allowlist.filters.dialects import DIALECTS, Dialect
from allowlist.filters.documents import by_port, documents, json_of, values_under, yaml_of
from allowlist.filters.format import (
    Files,
    Imported,
    Place,
    Scope,
    comment_lines,
    commented,
    gather,
    line_of,
    names_in,
    one_line,
)
from allowlist.filters.imported import both, joined
from allowlist.filters.lists import ANY_SERVICE, Kind, Lists, Service, Shape
from allowlist.filters.reading import Reading, everything
from allowlist.rules.addresses import EVERYWHERE, AddressSet

_BY_ADDRESS: Final = (
    "It opens addresses that the names resolve to: other hosts on the same address pass as well."
)


class Cilium:
    """``toFQDNs`` of a CiliumNetworkPolicy. ``*`` stays within one label; ``**.x`` (any depth) came in 2026."""

    name = "cilium"
    title = "Cilium toFQDNs egress policy"
    reconnects = False
    sees = staticmethod(by_port)
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
        return {"allowlist.cilium.yaml": yaml_of(title, body)}

    def read(self, files: Files) -> Imported:
        """Denials before everything; then each rule adds to what passes."""
        found, rules = Imported(), 0
        for file, text in files.items():
            for document in documents(file, text):
                for key, allows in (("egressDeny", False), ("egress", True)):
                    for rule in _egress_rules(document, key):
                        rules += 1
                        self._read_rule(found, rule, file, text, allows=allows)
        if not rules:
            found.refuse_nothing(files)
        return found

    def _read_rule(
        self, found: Imported, rule: dict[str, Any], file: str, text: str, *, allows: bool
    ) -> None:
        dialect = DIALECTS["cilium matchPattern"]
        services = list(_cilium_services(rule))
        for item in rule.get("toFQDNs") or []:
            entry = str(item.get("matchName") or item.get("matchPattern") or "")
            for service in services:
                found.add(service, entry, dialect.read(entry), file, line_of(text, entry), allows=allows)
        others = [
            key for key in rule if key.startswith("to") and key not in ("toFQDNs", "toPorts", "toEndpoints")
        ]
        open_world = {"world", "all"} & {str(item).lower() for item in rule.get("toEntities") or []}
        for key in others if services else ():
            place = Place(key, file, line_of(text, key))
            doubts = () if key == "toEntities" and open_world else (f"the addresses of {key}",)
            if key != "toEntities" or open_world:
                found.say(allows, Scope(place=place, services=tuple(services), doubts=doubts))


def _egress_rules(document: Any, key: str) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        for spec in [document.get("spec"), *(document.get("specs") or [])]:
            yield from (rule for rule in (spec or {}).get(key) or [] if isinstance(rule, dict))


def _cilium_services(rule: dict[str, Any]) -> Iterator[Service]:
    """The TCP ports of a rule, every one where it names none."""
    ports = [port for group in rule.get("toPorts") or [] for port in group.get("ports") or []]
    if not ports:
        yield Service("tcp")
    for port in ports:
        if str(port.get("protocol", "ANY")).upper() in ("TCP", "ANY") and str(port.get("port")).isdecimal():
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
    reconnects = False
    sees = staticmethod(names_in("https", "http"))
    says = frozenset({Kind.EXACT, Kind.BELOW, Kind.TREE})
    widens: Mapping[Kind, Kind] = {}
    notes = ("One list for each service: use it in a rule with that service.",)
    dialect = DIALECTS["pan-os url"]

    def entries(self, shape: Shape) -> Iterator[str]:
        yield from (f"{pattern}/" for pattern in shape.patterns)

    def read(self, files: Files) -> Imported:
        """Lists of entries, and custom URL categories of a configuration as XML or ``set`` commands."""
        found = Imported()
        for file, text in files.items():
            for category, line, entry in _pan_entries(file, text):
                found.add(_service_in(category or file), entry, self.reading(entry), file, line)
        return found


def _pan_entries(file: str, text: str) -> Iterator[tuple[str, int, str]]:
    """(category, line, entry); the category is empty for a plain list. Raises InvalidInput for XML that is none."""
    if text.lstrip().startswith("<"):
        yield from _pan_xml(file, text)
        return
    for line, entry in gather(text.splitlines()):
        command = _PAN_SET.match(entry)
        if command:
            category, values = command.groups()
            for value in values.strip("[] ").split():
                yield category.strip('"'), line, value.strip('"')
        elif not entry.startswith("set "):
            yield "", line, entry


_PAN_SET: Final = re.compile(r'^set\s.*?\bcustom-url-category\s+("[^"]+"|\S+)\s+list\s+(\[[^\]]*\]|\S+)\s*$')


def _pan_xml(file: str, text: str) -> Iterator[tuple[str, int, str]]:
    """A document with entities of its own is not read: a configuration of PAN-OS has none."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InvalidInput.of(file, "declares entities, which no configuration of PAN-OS does")
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise InvalidInput.of(file, "is no XML that can be read", line=error.position[0]) from None
    for categories in root.iter("custom-url-category"):
        for category in categories.findall("entry"):
            for member in category.iterfind("list/member"):
                entry = (member.text or "").strip()
                yield category.get("name", ""), line_of(text, entry), entry


class PaloAltoCategory(PaloAlto):
    """Custom URL categories as ``set`` commands, one for each service."""

    name = "pan-os-category"
    title = "PAN-OS custom URL category (set commands)"
    notes = ("Use each category in a rule with the service its name says; commit afterwards.",)

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        """A value of ``description`` holds no quotation mark and at most 255 characters."""
        lines: list[str] = []
        for service, shapes in lists:
            category = f"set profiles custom-url-category allowlist-{service.slug}"
            told = one_line(f"{title}: {service}, by allowlist export")[:255]
            lines += [f'{category} description "{told}"', f'{category} type "URL List"']
            lines += [f"{category} list {entry}" for shape, _ in shapes for entry in self.entries(shape)]
        return {"allowlist.pan-os.set": "\n".join([*lines, ""])}


class AwsDomainList:
    """Domain list of a stateful rule group: ``x`` and ``.x`` (name and everything below)."""

    name = "aws-domain-list"
    title = "AWS Network Firewall domain list"
    reconnects = False
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
            files[f"allowlist-{service.slug}.json"] = json_of({"RulesSource": {"RulesSourceList": source}})
        return files

    def read(self, files: Files) -> Imported:
        found = Imported()
        for file, text in files.items():
            for document in documents(file, text):
                drops = any(
                    "drop" in str(action) for action in values_under(document, "StatefulDefaultActions")
                )
                for group in list(values_under(document, "RuleGroup")) or [document]:
                    strict = "STRICT_ORDER" in map(str, values_under(group, "RuleOrder"))
                    for source in values_under(group, "RulesSourceList"):
                        if isinstance(source, dict):
                            self._read_list(found, source, file, text, open_end=strict and not drops)
        found.refuse_nothing(files)
        return found

    def _read_list(
        self, found: Imported, source: dict[str, Any], file: str, text: str, *, open_end: bool
    ) -> None:
        """A list of denied or rejected domains lets everything else through, one of alerts everything."""
        source = {key.replace("_", "").lower(): value for key, value in source.items()}
        kind = str(source.get("generatedrulestype") or "")
        if kind not in ("ALLOWLIST", "DENYLIST", "REJECTLIST", "ALERTLIST"):
            found.unknown(
                Place(kind or "RulesSourceList", file), "is neither a list of allowed nor of denied domains"
            )
            return
        allows = kind == "ALLOWLIST"
        for target in source.get("targettypes") or []:
            service = _service_in(file, "https" if target == "TLS_SNI" else "http")
            for entry in map(str, (source.get("targets") or []) if kind != "ALERTLIST" else []):
                reading = DIALECTS["aws domain list"].read(entry)
                found.add(service, entry, reading, file, line_of(text, entry), allows=allows)
            rest = Scope(place=Place(kind, file), services=(service,))
            if not allows:
                found.say(True, rest)
            elif open_end:
                found.either(rest, "the stateful default actions of the policy, in strict order")


class FortiGate:
    """FQDN address objects with their group, as configuration commands."""

    name = "fortigate"
    title = "FortiGate FQDN address objects"
    reconnects = False
    sees = staticmethod(by_port)
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
                comment = [f'set comment "{one_line(", ".join(who))[:255]}"'] if who else []
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
        """Policies in their order; without any, what the groups hold passes, by the service their name says."""
        found = Imported()
        tables = _Tables()
        for file, text in files.items():
            _read_commands(tables, file, text)
        if tables.policies:
            for place, policy in tables.policies:
                _read_policy(found, tables, place, policy)
            return found
        for name, members in tables.groups.items():
            for member in members:
                for scope in tables.addresses(found, member):
                    found.say(True, replace(scope, services=(_service_in(name),)))
        return found


@dataclass(slots=True)
class _Tables:
    """What the commands define, by name: addresses with their kind and place, groups, services, policies."""

    objects: dict[str, tuple[dict[str, list[str]], Place]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    services: dict[str, list[str]] = field(default_factory=dict)
    policies: list[tuple[Place, dict[str, list[str]]]] = field(default_factory=list)

    def addresses(self, found: Imported, name: str, depth: int = 0) -> Iterator[Scope]:
        """What an address object or a group stands for."""
        if name.lower() == "all":
            yield Scope(place=Place(name))
        elif name in self.groups and depth < _DEEPEST:
            for member in self.groups[name]:
                yield from self.addresses(found, member, depth + 1)
        elif name in self.objects:
            yield from _address(found, *self.objects[name])
        else:
            yield Scope(place=Place(name), doubts=(f"the address object {name}",))

    def ports(self, name: str) -> list[Service] | None:
        """The TCP services behind a name, None where it is not known."""
        if name.upper() == "ALL":
            return [Service("tcp")]
        if name in self.services:
            parts = [part.partition(":")[0].partition("-") for part in self.services[name]]
            return [Service("tcp", int(low), int(high or low)) for low, _, high in parts if low.isdecimal()]
        return (
            [Service("tcp", port, port) for port in (_KNOWN_SERVICES[name.upper()],)]
            if name.upper() in _KNOWN_SERVICES
            else None
        )


_DEEPEST: Final = 20
_KNOWN_SERVICES: Final = {"HTTPS": 443, "HTTP": 80, "ALL_TCP": 0, "SSH": 22, "MS-SQL": 1433, "DNS": 53}


def _read_commands(tables: _Tables, file: str, text: str) -> None:
    """``config TABLE``, ``edit NAME``, ``set FIELD VALUES``, ``next``, ``end``."""
    table, place, fields = "", Place(""), dict[str, list[str]]()
    for number, line in enumerate(text.splitlines(), 1):
        words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', line)]
        match words[:1]:
            case ["config"]:
                table = " ".join(words[1:])
            case ["edit"] if len(words) > 1:
                place, fields = Place(words[1], file, number), {}
                _keep(tables, table, place, fields)
            case ["set"] if len(words) > 2:
                fields[words[1]] = words[2:]
                if table in ("firewall addrgrp", "firewall service group") and words[1] == "member":
                    tables.groups[place.entry] = words[2:]
                elif table == "firewall service custom" and words[1] == "tcp-portrange":
                    tables.services[place.entry] = words[2:]


def _keep(tables: _Tables, table: str, place: Place, fields: dict[str, list[str]]) -> None:
    if table == "firewall address":
        tables.objects[place.entry] = (fields, place)
    elif table == "firewall policy":
        tables.policies.append((place, fields))


def _address(found: Imported, fields: dict[str, list[str]], place: Place) -> Iterator[Scope]:
    """An FQDN selects names; a subnet is written where sources stand."""
    fqdn = (fields.get("fqdn") or fields.get("wildcard-fqdn") or [""])[0]
    if fqdn:
        reading, where = DIALECTS["fortigate fqdn"].read(fqdn), replace(place, entry=fqdn)
        yield from found.scopes(reading, where)
        return
    try:
        subnet = "/".join(fields.get("subnet", ["0.0.0.0", "0.0.0.0"]))
        yield Scope(place=place, sources=AddressSet.parse([subnet]))
    except ValueError:
        yield Scope(place=place, doubts=(f"the address object {place.entry}",))


def _read_policy(found: Imported, tables: _Tables, place: Place, policy: dict[str, list[str]]) -> None:
    if policy.get("status") == ["disable"]:
        return
    allows = policy.get("action") == ["accept"]
    sources = joined([scope for name in policy.get("srcaddr", []) for scope in tables.addresses(found, name)])
    targets = [scope for name in policy.get("dstaddr", []) for scope in tables.addresses(found, name)]
    for scope in targets:
        if scope.sources != EVERYWHERE:
            targets = [
                replace(
                    one,
                    sources=EVERYWHERE,
                    doubts=(*one.doubts, f"the address behind a name, by policy {place.entry}"),
                )
                if one is scope
                else one
                for one in targets
            ]
    services: list[Service] = []
    doubts: list[str] = [key for key in ("schedule",) if policy.get(key, ["always"]) != ["always"]]
    for name in policy.get("service", ["ALL"]):
        ports = tables.ports(name)
        services += ports or []
        doubts += [f"the service {name}"] if ports is None else []
    whole = Scope(
        place=place,
        services=tuple(services) if services and not doubts else (Service("tcp"),),
        doubts=tuple(doubts),
    )
    found.say(allows, *both(both([whole], sources or [whole]), targets or [whole]))


def _object_name(entry: str) -> str:
    """At most 79 characters, no asterisk in front, and another name for every entry however long."""
    name = f"al-{entry.replace('*.', 'below.')}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


_LONGEST_NAME: Final = 79
"""Characters of the name of a firewall address (FortiOS CLI reference)."""


class GoogleSecureWebProxy:
    """A UrlList. ``*x`` there means the name and everything below it, not every name that ends so."""

    name = "gcp-swp"
    title = "Google Cloud Secure Web Proxy UrlList"
    reconnects = True
    sees = staticmethod(names_in("https", "http"))
    says = frozenset({Kind.EXACT, Kind.BELOW, Kind.TREE, Kind.EVERYTHING})
    widens: Mapping[Kind, Kind] = {}
    notes = ("One list for each service: use it with inUrlList(host(), …) in a rule for that port.",)

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        return {
            f"allowlist-{service.slug}.yaml": yaml_of(
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
            for document in documents(file, text):
                for entry in map(str, document.get("values") or []):
                    reading = everything() if entry == "*" else DIALECTS["gcp url list"].read(entry)
                    found.add(_service_in(file), entry, reading, file, line_of(text, entry))
        found.refuse_nothing(files)
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
