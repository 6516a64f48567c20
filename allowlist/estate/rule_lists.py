"""Lists of rules as teams keep them (CSV, Excel, tfvars, YAML, JSON), read through a mapping file: ``allowlist/rule-list/v1``.

The mapping says which column is what, for which policy, and which words mean allow. What a row does not say in a way
that is understood is unknown in the rule that comes of it, with the place of the row; nothing is guessed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from allowlist.azure.facts import is_service_tag
from allowlist.documents.reader import convert_source
from allowlist.documents.source import load_source, parse_yaml_source, read_text, refuse_pipes_and_devices
from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Body
from allowlist.estate.hcl import hcl_to_json
from allowlist.estate.json_files import RULE_LISTS, read_json_file

SCHEMA: Final = "allowlist/rule-list/v1"
MAX_ROWS: Final = 100_000
MAX_BYTES: Final = 64 * 1024 * 1024


class Columns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The column, or the key of a nested list, that holds each part of a rule; ``../name`` is a key one level above.

    ``destinations`` may hold addresses, service tags and names together; each is told by its form.
    """

    name: str = ""
    type: str = ""
    action: str = ""
    sources: str = ""
    source_ip_groups: str = ""
    destinations: str = ""
    destination_ip_groups: str = ""
    fqdns: str = ""
    fqdn_tags: str = ""
    urls: str = ""
    web_categories: str = ""
    protocols: str = ""
    ports: str = ""
    group: str = ""
    group_priority: str = ""
    collection: str = ""
    priority: str = ""
    enabled: str = ""
    description: str = ""


class RuleList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One list. ``rows`` is the path to the rows of a nested file, ``*`` for every item (``collections.*.rules.*``).

    ``defaults`` are values of parts without a column, ``words`` what the list says for ``Allow``, ``Deny`` and so on.
    """

    schema: Literal["allowlist/rule-list/v1"]
    file: str
    policy: str
    columns: Columns
    sheet: str = ""
    rows: str = ""
    separator: str = ",;\n"
    tier: Literal["Basic", "Standard", "Premium"] = "Standard"
    dns_proxy: bool = False
    defaults: dict[str, str | int | bool] = {}
    words: dict[str, list[str]] = {}


@dataclass(frozen=True, slots=True)
class _Row:
    """One row with where it stands; ``above`` are the objects around a nested one, the nearest first."""

    values: Mapping[str, Any]
    place: str
    above: tuple[Mapping[str, Any], ...] = ()

    def get(self, column: str) -> Any:
        levels, name = self.above, column
        holder: Mapping[str, Any] = self.values
        while name.startswith("../"):
            name = name[3:]
            holder, levels = (levels[0], levels[1:]) if levels else ({}, ())
        return holder.get(name)


def is_rule_list(path: Path) -> bool:
    """Is it a mapping file? In a folder it is told by its name alone."""
    if path.suffix.lower() not in (".yaml", ".yml") or not path.is_file():
        return False
    return path.name.endswith(RULE_LISTS) or SCHEMA in read_text(path, MAX_BYTES)[:2000]


def read_rule_list(path: Path) -> list[Body]:
    """The policy and its groups. Raises InvalidInput with the place of every mistake of the mapping or the list."""
    source = load_source(path)
    mapping = convert_source(source, RuleList, SCHEMA)
    if "/firewallpolicies/" not in mapping.policy.lower():
        problem = source.problem(("policy",), "is not the id of a firewall policy: …/firewallPolicies/NAME")
        raise InvalidInput([problem])
    rows = list(_rows(path.parent / mapping.file, mapping))
    _refuse_absent_columns(mapping, rows, path)
    return list(_Builder(mapping).bodies(rows))


def _refuse_absent_columns(mapping: RuleList, rows: list[_Row], path: Path) -> None:
    """A column that no row has is a mistake of the mapping: nothing would be read of it."""
    for part in Columns.__struct_fields__:
        column = getattr(mapping.columns, part)
        if column and rows and not any(_has(row, column) for row in rows):
            known = ", ".join(sorted({key for row in rows[:20] for key in row.values}))
            raise InvalidInput.of(
                path, f"columns.{part}: no row of {mapping.file} has '{column}'", hint=f"it has: {known}"
            )


def _has(row: _Row, column: str) -> bool:
    depth = column.count("../")
    levels = (row.values, *row.above)
    return depth < len(levels) and column.replace("../", "") in levels[depth]


def _rows(file: Path, mapping: RuleList) -> Iterator[_Row]:
    ending = file.suffix.lower()
    if ending == ".csv":
        found: Iterator[_Row] = _csv(file, mapping)
    elif ending in (".xlsx", ".xlsm"):
        found = _excel(file, mapping)
    else:
        found = _nested(_data(file), mapping.rows, file.name)
    for number, row in enumerate(found):
        if number >= MAX_ROWS:
            raise InvalidInput.of(file, f"has more than {MAX_ROWS} rows")
        yield row


def _data(file: Path) -> Any:
    ending = file.suffix.lower()
    if ending in (".yaml", ".yml"):
        return parse_yaml_source(read_text(file, MAX_BYTES), str(file)).data
    if ending in (".tfvars", ".hcl", ".tf"):
        return hcl_to_json(read_text(file, MAX_BYTES), str(file))
    if ending == ".json":
        return read_json_file(file).data
    raise InvalidInput.of(file, "is no list this version reads: .csv, .xlsx, .yaml, .json or .tfvars")


def _wanted(mapping: RuleList) -> set[str]:
    """The columns that the mapping names."""
    return {column for part in Columns.__struct_fields__ if (column := getattr(mapping.columns, part))}


def _refuse_twins(file: Path, mapping: RuleList, head: list[str]) -> None:
    """Of two columns with one name it is not known which is meant."""
    for column in sorted(_wanted(mapping)):
        if head.count(column) > 1:
            raise InvalidInput.of(file, f"has {head.count(column)} columns that are called '{column}'")


def _is_rule(cells: Collection[Any]) -> bool:
    """A row without cells is none, and one with a single cell among others is a heading."""
    filled = sum(cell is not None and str(cell).strip() != "" for cell in cells)
    return filled > 1 or filled == len(cells) == 1


def _csv(file: Path, mapping: RuleList) -> Iterator[_Row]:
    text = read_text(file, MAX_BYTES).lstrip("\ufeff")
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:4096], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    reader = csv.DictReader(io.StringIO(text, newline=""), dialect=dialect)
    try:
        _refuse_twins(file, mapping, [str(key).strip() for key in reader.fieldnames or ()])
        for row in reader:
            place = f"{file.name}:{reader.line_num}"
            if None in row:
                raise InvalidInput.of(file, "has more cells than columns", line=reader.line_num)
            if not _is_rule(row.values()):
                continue
            yield _Row({str(key).strip(): value for key, value in row.items() if key}, place)
    except csv.Error as error:
        raise InvalidInput.of(file, f"is no CSV: {error}", line=reader.line_num) from None


def _excel(file: Path, mapping: RuleList) -> Iterator[_Row]:
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise InvalidInput.of(
            file,
            "is a workbook, which takes openpyxl",
            hint="pip install 'allowlist[excel]', or save it as CSV",
        ) from None
    try:
        refuse_pipes_and_devices(file)
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (OSError, ValueError, KeyError, InvalidFileException) as error:
        raise InvalidInput.of(file, f"cannot be read as a workbook: {error}") from None
    except Exception as error:
        if type(error).__name__ != "BadZipFile":
            raise
        raise InvalidInput.of(file, "is no workbook") from None
    sheet = mapping.sheet
    if sheet and sheet not in book.sheetnames:
        raise InvalidInput.of(file, f"has no sheet '{sheet}'", hint=f"it has: {', '.join(book.sheetnames)}")
    rows = (book[sheet] if sheet else book.worksheets[0]).iter_rows(values_only=True)
    first, head, beyond = _table_in(rows, _wanted(mapping))
    _refuse_twins(file, mapping, head)
    for number, cells in enumerate(beyond, first + 1):
        if _is_rule(cells):
            yield _Row(dict(zip(head, cells, strict=False)), f"{file.name} row {number}")


_TITLES: Final = 20
"""Rows that may stand above a table: its title, who keeps it, a date."""


def _table_in(
    rows: Iterator[tuple[Any, ...]], wanted: set[str]
) -> tuple[int, list[str], Iterator[tuple[Any, ...]]]:
    """The number and the cells of the row with the names of the columns, and the rows below it.

    That is the first row that has all of them; where none has, the first of all.
    """
    above = list(islice(rows, _TITLES))
    heads = [[str(cell or "").strip() for cell in cells] for cells in above]
    at = next((at for at, head in enumerate(heads) if wanted <= set(head)), 0)
    return at + 1, heads[at] if heads else [], chain(above[at + 1 :], rows)


def _nested(data: Any, path: str, name: str) -> Iterator[_Row]:
    steps = [step for step in path.split(".") if step]
    yield from _walk(data, steps or ["*"], (), name)


def _walk(data: Any, steps: list[str], above: tuple[Mapping[str, Any], ...], place: str) -> Iterator[_Row]:
    if not steps:
        if not isinstance(data, Mapping):
            raise InvalidInput.of(place, "is no object: rows are objects with the keys of the mapping")
        yield _Row(data, place, above)
        return
    step, *rest = steps
    outer = (data, *above) if isinstance(data, Mapping) and step != "*" else above
    if step != "*":
        inner = data.get(step) if isinstance(data, Mapping) else None
        if inner is None:
            if above:
                return
            raise InvalidInput.of(place, f"has no '{step}'", hint="rows: is the path to the rules")
        yield from _walk(inner, rest, outer, f"{place}.{step}")
        return
    items = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    for key, item in items:
        named = {"name": key, **item} if isinstance(data, Mapping) and isinstance(item, Mapping) else item
        yield from _walk(named, rest, above, f"{place}.{key}")


_WORDS: Final = {
    "Allow": ("allow", "permit", "accept", "allowed", "yes"),
    "Deny": ("deny", "block", "drop", "reject", "denied", "no"),
    "ApplicationRule": ("applicationrule", "application", "app", "fqdn", "web"),
    "NetworkRule": ("networkrule", "network", "net", "ip"),
    "off": ("no", "false", "0", "off", "disabled", "inactive"),
    "on": ("yes", "true", "1", "on", "enabled", "active", ""),
}
_BY_NAME: Final = ("http", "https", "mssql")
_ADDRESS: Final = re.compile(r"[\d.]+(/\d+)?(\s*-\s*[\d.]+)?|\*")
_PORTS: Final = r"(\d+(?:\s*-\s*\d+)?|\*)"
_SERVICE: Final = re.compile(rf"([A-Za-z]+)(?:\s*[:/]\s*|\s+){_PORTS}")
_PORT_FIRST: Final = re.compile(rf"{_PORTS}\s*/\s*([A-Za-z]+)")
_BOTH: Final = re.compile(r"[A-Za-z]+(?:\s*[/+&]\s*[A-Za-z]+)+")


class _Builder:
    """Rules, collections and groups out of rows."""

    def __init__(self, mapping: RuleList) -> None:
        self._mapping = mapping

    def bodies(self, rows: list[_Row]) -> Iterator[Body]:
        mapping = self._mapping
        policy = mapping.policy.rstrip("/")
        yield {
            "id": policy,
            "name": policy.rpartition("/")[2],
            "type": "Microsoft.Network/firewallPolicies",
            "properties": {
                "sku": {"tier": mapping.tier},
                "dnsSettings": {"enableProxy": mapping.dns_proxy},
            },
        }
        groups: dict[str, dict[tuple[str, ...], Body]] = {}
        priorities: dict[str, int | str] = {}
        for row in rows:
            if self._word(row, "enabled", ("on", "off")) == "off":
                continue
            group = self._text(row, "group") or "rules"
            priority = self._number(row, "group_priority") or _SAME
            if priorities.setdefault(group, priority) != priority:
                priorities[group] = _unknown("another group_priority", row.place)
            rule = self._rule(row)
            self._place(groups.setdefault(group, {}), row, rule)
        for group, collections in groups.items():
            _order(list(collections.values()), group)
            yield {
                "id": f"{policy}/ruleCollectionGroups/{group}",
                "name": group,
                "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
                "properties": {
                    "priority": priorities[group],
                    "ruleCollections": list(collections.values()),
                },
            }

    def _place(self, collections: dict[tuple[str, ...], Body], row: _Row, rule: Body) -> None:
        """Rules of one collection have one action, priority and type; rows of one that differ stand in several."""
        action = self._word(row, "action", ("Allow", "Deny"))
        priority = self._number(row, "priority")
        name = self._text(row, "collection") or f"{rule['ruleType']}-{action}"
        if priority is None:
            known = [item for key, item in collections.items() if key[:3] == (name, action, rule["ruleType"])]
            priority = known[0]["priority"] if known else None
        key = (name, action, str(rule["ruleType"]), str(priority))
        collection = collections.setdefault(
            key,
            {
                "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": name,
                "priority": priority,
                "action": {"type": action},
                "rules": [],
            },
        )
        collection["rules"].append(rule)

    def _rule(self, row: _Row) -> Body:
        services = self._services(row)
        kind = self._kind(row, services)
        rule: Body = {
            "ruleType": kind,
            "name": self._text(row, "name") or row.place,
            "description": self._text(row, "description"),
            "sourceAddresses": [_every(text) for text in self._texts(row, "sources")],
            "sourceIpGroups": self._texts(row, "source_ip_groups"),
        }
        if not rule["sourceAddresses"] and not rule["sourceIpGroups"]:
            rule["sourceAddresses"] = [_unknown("no source", row.place)]
        destinations = self._texts(row, "destinations")
        if kind == "NetworkRule":
            return rule | self._network(row, destinations, services)
        rule |= {
            "targetFqdns": [*self._texts(row, "fqdns"), *destinations],
            "fqdnTags": self._texts(row, "fqdn_tags"),
            "targetUrls": self._texts(row, "urls"),
            "webCategories": self._texts(row, "web_categories"),
            "protocols": [_application(item, row.place) for item in services or [("", "")]],
        }
        if not any(rule[part] for part in _TARGETS):
            rule["targetFqdns"] = [_unknown("no destination", row.place)]
        return rule

    def _network(self, row: _Row, destinations: list[str], services: list[tuple[str, str]]) -> Body:
        names = [*self._texts(row, "fqdns"), *(text for text in destinations if _is_name(text))]
        addresses = [_every(text) for text in destinations if not _is_name(text)]
        groups = self._texts(row, "destination_ip_groups")
        if not (names or addresses or groups):
            addresses = [_unknown("no destination", row.place)]
        protocols = list(dict.fromkeys(protocol for protocol, _ in services)) or [
            _unknown("protocol", row.place)
        ]
        return {
            "ipProtocols": [_transport(item) for item in protocols],
            "destinationAddresses": addresses,
            "destinationIpGroups": groups,
            "destinationFqdns": names,
            "destinationPorts": list(dict.fromkeys(port for _, port in services if port))
            or [_unknown("port", row.place)],
        }

    def _kind(self, row: _Row, services: list[tuple[str, str]]) -> str:
        """As the list says, else by protocols and destinations: an application rule takes no addresses."""
        if self._word(row, "enabled", ("on", "off")) not in ("on", ""):
            return self._word(row, "enabled", ("on", "off"))
        if self._mapping.columns.type or "type" in self._mapping.defaults:
            return self._word(row, "type", ("ApplicationRule", "NetworkRule"))
        by_name = services and all(protocol.lower() in _BY_NAME for protocol, _ in services)
        if not by_name:
            return "NetworkRule"
        listed = self._texts(row, "destinations")
        named = [*filter(_is_name, listed), *self._texts(row, "fqdns")]
        if len(listed) == sum(map(_is_name, listed)):
            return "ApplicationRule"
        return _unknown("names and addresses", row.place) if named else "NetworkRule"

    def _services(self, row: _Row) -> list[tuple[str, str]]:
        """(protocol, port): ``Https:443`` in one cell, or a column of protocols and one of ports."""
        ports = [_port(text) for text in self._texts(row, "ports")]
        found: list[tuple[str, str]] = []
        for item in self._items(row, "protocols"):
            if isinstance(item, Mapping):
                found.append((str(item.get("type") or item.get("protocolType")), str(item.get("port"))))
                continue
            for text in self._split(item):
                found += _service(text, ports)
        return found

    # Cells

    def _items(self, row: _Row, part: str) -> list[Any]:
        column = getattr(self._mapping.columns, part)
        value = row.get(column) if column else None
        if value in (None, "", []):
            value = self._mapping.defaults.get(part)
        if value in (None, "", []):
            return []
        if isinstance(value, list):
            return value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return [value]

    def _texts(self, row: _Row, part: str) -> list[str]:
        return [text for item in self._items(row, part) for text in self._split(item)]

    def _split(self, item: Any) -> list[str]:
        pattern = f"[{re.escape(self._mapping.separator)}]"
        return [text.strip() for text in re.split(pattern, _text_of(item)) if text.strip()]

    def _text(self, row: _Row, part: str) -> str:
        return ", ".join(_text_of(item) for item in self._items(row, part)).strip()

    def _number(self, row: _Row, part: str) -> int | str | None:
        text = self._text(row, part)
        if not text:
            return None
        return int(text) if text.isdecimal() else _unknown(f"{part} '{text}'", row.place)

    def _word(self, row: _Row, part: str, choices: tuple[str, ...]) -> str:
        """One of ``choices`` as the list, or everybody, spells it; unknown where it is none of them."""
        text = self._text(row, part)
        for choice in choices:
            given = [word.lower() for word in self._mapping.words.get(choice, ())]
            if text.lower() in (choice.lower(), *given) or (not given and text.lower() in _WORDS[choice]):
                return choice
        return _unknown(f"{part} '{text}'", row.place)


_SAME: Final = 100
"""The priority of what the list gives none. All have the same, so that an allow and a deny that meet are unknown."""
_TARGETS: Final = ("targetFqdns", "fqdnTags", "targetUrls", "webCategories")


def _order(collections: list[Body], group: str) -> None:
    """Collections without a priority have all the same one; beside others that have one it is not known."""
    unsaid = [item for item in collections if item["priority"] is None]
    same = _SAME if len(unsaid) == len(collections) else _unknown("a priority that is not said", group)
    for item in unsaid:
        item["priority"] = same


def _service(text: str, ports: list[str]) -> list[tuple[str, str]]:
    """(protocol, port) of one text, each protocol with all of ``ports`` where it names none."""
    if match := _SERVICE.fullmatch(text):
        return [(match[1], _port(match[2]))]
    if match := _PORT_FIRST.fullmatch(text):
        return [(match[2], _port(match[1]))]
    named = re.split(r"\s*[/+&]\s*", text) if _BOTH.fullmatch(text) else [text]
    return [(one, port) for one in named for port in ports or [_usual(one)]]


def _text_of(item: Any) -> str:
    """A cell; a reference of HCL is an expression, whatever stands around it."""
    text = str(item)
    return f"[{text}]" if "${" in text else text


def _unknown(what: str, place: str) -> str:
    return f"[{what} in {place}]"


def _every(text: str) -> str:
    return "*" if text.lower() in ("any", "all", "internet/any") else text


def _is_name(text: str) -> bool:
    """``Storage.WestEurope`` is a service tag of a region."""
    if "." not in text or text.startswith("[") or ":" in text:
        return False
    return not _ADDRESS.fullmatch(text) and not is_service_tag(text)


def _port(text: str) -> str:
    return "*" if text.lower() in ("any", "all") else text.replace(" ", "").replace(":", "-")


def _usual(protocol: str) -> str:
    return {"https": "443", "http": "80", "mssql": "1433", "icmp": "*"}.get(protocol.lower(), "")


def _transport(protocol: str) -> str:
    lowered = protocol.lower()
    return "TCP" if lowered in _BY_NAME else "Any" if lowered in ("*", "all", "any") else protocol


def _application(item: tuple[str, str], place: str) -> Body:
    protocol, port = item
    return {
        "protocolType": protocol,
        "port": int(port) if port.isdecimal() else _unknown(f"port '{port}'", place),
    }
