"""From a firewall log to an entry with evidence: the narrowest form, without addresses and ids of anybody.

``denied`` are lines in which names were refused, ``allowed`` lines after somebody opened them. Only names, ports, days
and regions are taken; sources, resource ids and tenants stay in the log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from allowlist.catalog.model import EvidenceClass
from allowlist.documents.source import deepest_line, read_text
from allowlist.documents.words import counted
from allowlist.errors import InvalidInput, Problem
from allowlist.names import is_host_name, normalise

_NAMES: Final = ("fqdn", "targeturl", "destinationfqdn", "host", "sni", "name", "queryname")
_PORTS: Final = ("destinationport", "port", "dstport")
_PROTOCOLS: Final = ("protocol", "proto")
_ACTIONS: Final = ("action", "verdict", "decision")
_TIMES: Final = ("timegenerated", "time", "timestamp", "date", "datetime")
_GUID: Final = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
_ISSUE: Final = re.compile(r"/([\w.-]+)/([\w.-]+)/(issues|pull|discussions|commit)/([0-9a-f]+)/?")
_WORDS: Final = {"issues": "issue", "pull": "pull request", "discussions": "discussion"}
_MOST: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One name in a log, on one port; ``day`` is the newest on which it stands there, empty where lines have none."""

    name: str
    port: str
    day: str = ""


def read_log(path: Path, *, denied: bool) -> list[Seen]:
    """The names of a log as JSON Lines or as a list: what was refused, or what was let through.

    Raises InvalidInput with the line of whatever is no JSON, and for a log without a single name.
    """
    found: dict[tuple[str, str], Seen] = {}
    for row in _rows(path):
        flat = {key.lower().replace("_", ""): value for key, value in _flat(row)}
        name = _name(flat)
        action = str(_first(flat, _ACTIONS) or "").lower()
        told = "deny" in action or "drop" in action or "block" in action if action else denied
        if not name or told is not denied:
            continue
        seen = Seen(name=name, port=_port(flat), day=_day(flat))
        known = found.get((seen.name, seen.port))
        found[seen.name, seen.port] = max(known, seen, key=lambda one: one.day) if known else seen
    if not found:
        what = "refused" if denied else "allowed"
        raise InvalidInput.of(
            path,
            f"names no host that was {what}",
            hint="give lines of AZFWApplicationRule as JSON, or {fqdn, port, action}",
        )
    return sorted(found.values(), key=lambda one: (one.name, one.port))


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    text = read_text(path, _MOST)
    try:
        whole = json.loads(text)
    except RecursionError:
        raise InvalidInput.of(path, "is nested too deeply", line=deepest_line(text), column=1) from None
    except ValueError:
        whole = None
    if isinstance(whole, list):
        yield from (row for row in whole if isinstance(row, dict))
        return
    if isinstance(whole, dict):
        rows = whole.get("records") or whole.get("value") or [whole]
        yield from (row for row in rows if isinstance(row, dict))
        return
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except RecursionError:
            problems.append(Problem(str(path), number, 1, "is nested too deeply"))
            continue
        except ValueError as error:
            problems.append(Problem(str(path), number, 1, f"is no JSON: {error}"))
            continue
        if isinstance(row, dict):
            yield row
    if problems:
        raise InvalidInput(problems, hint="one JSON object a line, as a query of Log Analytics exports it")


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield str(key), value


def _first(flat: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((flat[key] for key in keys if flat.get(key) not in (None, "")), None)


def _name(flat: Mapping[str, Any]) -> str:
    text = str(_first(flat, _NAMES) or "").strip()
    host = urlsplit(text).hostname or "" if "://" in text else text.partition(":")[0].partition("/")[0]
    try:
        name = normalise(host)
    except UnicodeError:
        return ""
    return name if is_host_name(name) and "." in name and not name.replace(".", "").isdigit() else ""


def _port(flat: Mapping[str, Any]) -> str:
    protocol = str(_first(flat, _PROTOCOLS) or "https").lower().partition(":")[0]
    number = str(_first(flat, _PORTS) or {"http": 80}.get(protocol, 443)).partition(".")[0]
    known = protocol if protocol in ("https", "http", "mssql", "tcp", "udp") else "https"
    return f"{known}:{number}"


def _day(flat: Mapping[str, Any]) -> str:
    found = re.match(r"\d{4}-\d{2}-\d{2}", str(_first(flat, _TIMES) or ""))
    return found.group() if found else ""


def parse_issue(url: str) -> tuple[str, str, str]:
    """``(repository, where, commit)`` of a link to an issue, a pull request, a discussion or a commit.

    Raises ValueError for any other link: evidence that nobody can look up is none.
    """
    parts = urlsplit(url)
    found = _ISSUE.fullmatch(parts.path)
    if parts.scheme != "https" or not found:
        raise ValueError(
            f"'{url}' is no link to an issue, pull request, discussion or commit (https://github.com/…)"
        )
    owner, repository, kind, number = found.groups()
    if kind == "commit":
        return f"{owner}/{repository}", "commit", number
    return f"{owner}/{repository}", f"{_WORDS[kind]} {number}", ""


def refuse_overclaim(kind: EvidenceClass, denied: list[Seen], allowed: list[Seen]) -> None:
    """Raises ValueError where the logs do not bear out ``kind``.

    That one name alone was opened shows only where exactly one of those that were refused is let through afterwards.
    """
    opened = {one.name for one in denied} & {one.name for one in allowed}
    if kind is EvidenceClass.VALIDATED_ALONE and len(opened) != 1:
        found = (
            f"{counted(len(opened), 'refused name', 'is')} let through afterwards"
            if allowed
            else "no log shows it opened (--fixed)"
        )
        raise ValueError(f"'validated-alone' asks for one name that was opened alone; {found}")
    if kind is EvidenceClass.VALIDATED_TOGETHER and not opened:
        raise ValueError(
            "'validated-together' asks for names that were refused and then let through (--fixed)"
        )


def repaired(denied: list[Seen], allowed: list[Seen]) -> tuple[list[Seen], list[Seen]]:
    """What was refused, parted into what is taken and what is left out: what no log shows let through afterwards.

    Without a log of what was let through everything is taken. Raises ValueError where nothing would be.
    """
    if not allowed:
        return denied, []
    opened = {one.name for one in allowed}
    taken = [one for one in denied if one.name in opened]
    if not taken:
        raise ValueError(
            f"none of {counted(len({one.name for one in denied}), 'refused name')} is let through afterwards "
            "(--fixed): give the log of the time after they were opened, or leave --fixed out"
        )
    return taken, [one for one in denied if one.name not in opened]


def without_ids(name: str, placeholders: Iterable[str]) -> str:
    """The name with a placeholder where a label is an id of somebody's. Raises ValueError where none is declared."""
    labels = name.split(".")
    for index, label in enumerate(labels):
        if _GUID.fullmatch(label):
            known = next((found for found in placeholders if found.lower().endswith("id")), None)
            if known is None:
                raise ValueError(
                    f"'{label}' in '{name}' is somebody's id: declare a placeholder for it, such as workspaceId"
                )
            labels[index] = f"{{{known}}}"
    return ".".join(labels)
