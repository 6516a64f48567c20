"""Read ``allowlist.yaml``: its form, then what its parts say about each other, all mistakes at once."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from allowlist.catalog import parse_port
from allowlist.documents.compiled import cache_folder, compiled, key_of
from allowlist.documents.reader import convert_known_keys, convert_source, near_miss
from allowlist.documents.source import DeferredSource, Path_, Source, parse_source, read_text
from allowlist.errors import InvalidInput, Problem
from allowlist.names import Dialect, InvalidPattern, parse_pattern
from allowlist.rules.addresses import parse_interval
from allowlist.workload import document
from allowlist.workload.document import (
    ENVIRONMENT,
    LOCAL_SURFACES,
    SCHEMA,
    Notification,
    OwnRequirement,
    Workload,
)
from allowlist.workload.requirements import OWN

_RULES = (__file__, document.__file__)
"""What decides whether a workload file is good, besides its text."""

Complaints = Iterator[tuple[Path_, str]]


def read_workload(path: Path, surfaces: Collection[str]) -> tuple[Workload, Source]:
    """Read and check a workload file. Raises InvalidInput with every mistake.

    ``surfaces`` are the kinds of enforcement points there are; they are known further up. A text that was read and
    found good before is not read again: its copy answers, and its positions are looked up when they are asked for.
    """
    text = _text_of(path)
    key = key_of(path.suffix, text, *sorted(surfaces), rules=_RULES)
    workload = compiled(
        cache_folder(os.environ, "workloads"),
        key,
        Workload,
        lambda: _checked(parse_source(text, str(path)), surfaces),
    )
    return workload, DeferredSource(str(path), cache(lambda: parse_source(text, str(path))))


def _text_of(path: Path) -> str:
    try:
        return read_text(path)
    except InvalidInput as error:
        hint = "give --workload FILE, or write one: allowlist init" if not path.exists() else error.hint
        raise InvalidInput(error.problems, hint=hint) from None


def _checked(source: Source, surfaces: Collection[str]) -> Workload:
    problems: list[Problem] = []
    try:
        workload: Workload | None = convert_source(source, Workload, SCHEMA)
    except InvalidInput as error:
        problems += error.problems
        workload = convert_known_keys(source, Workload)
    if workload is not None:
        problems += [source.problem(place, message) for place, message in _complaints(workload, surfaces)]
    if workload is None or problems:
        raise InvalidInput(problems)
    return workload


def _complaints(workload: Workload, surfaces: Collection[str]) -> Complaints:
    yield from _target_complaints(workload, surfaces)
    yield from _path_complaints(workload)
    yield from _discovery_complaints(workload, surfaces)
    yield from _source_complaints(workload)
    yield from _requirement_complaints(workload)
    yield from _date_complaints(workload)
    yield from _automation_complaints(workload)
    yield from _notification_complaints(workload)


def _target_complaints(workload: Workload, surfaces: Collection[str]) -> Complaints:
    if not workload.targets and not workload.discover:
        yield (
            (),
            "names no target: write at least one under 'targets:', or what to look for under 'discover:'",
        )
    seen: set[str] = set()
    for index, target in enumerate(workload.targets):
        place: Path_ = ("targets", index)
        if target.name in seen:
            yield (*place, "name"), f"repeats the target name '{target.name}'"
        seen.add(target.name)
        if target.surface not in surfaces:
            yield (*place, "surface"), _unknown_surface(target.surface, surfaces)
        if target.surface not in LOCAL_SURFACES and not target.resource.lower().startswith("/subscriptions/"):
            yield (*place, "resource"), "is not an ARM resource id (/subscriptions/…)"
        for name in target.sources:
            if name not in workload.sources:
                yield (
                    (*place, "sources"),
                    f"names the source '{name}', which is not defined{near_miss(name, workload.sources)}",
                )


def _path_complaints(workload: Workload) -> Complaints:
    known = {target.name for target in workload.targets}
    seen: set[str] = set()
    for index, path in enumerate(workload.paths):
        if path.name in seen or path.name in known:
            yield ("paths", index, "name"), f"repeats the name '{path.name}' of a target or path"
        seen.add(path.name)
        for place, name in enumerate(path.filters):
            if name not in known:
                yield (
                    ("paths", index, "filters", place),
                    f"names the target '{name}', which is not defined{near_miss(name, known)}",
                )
            elif name in path.filters[:place]:
                yield ("paths", index, "filters", place), f"names the target '{name}' twice"


def _unknown_surface(surface: str, surfaces: Collection[str]) -> str:
    return f"is '{surface}', expected one of {', '.join(surfaces)}{near_miss(surface, surfaces)}"


def _discovery_complaints(workload: Workload, surfaces: Collection[str]) -> Complaints:
    for index, item in enumerate(workload.discover):
        place: Path_ = ("discover", index)
        if item.surface in LOCAL_SURFACES:
            yield (*place, "surface"), f"is '{item.surface}', which is not in Azure; name it under 'targets:'"
        if item.surface not in surfaces:
            yield (*place, "surface"), _unknown_surface(item.surface, surfaces)
        for name in item.sources:
            if name not in workload.sources:
                yield (
                    (*place, "sources"),
                    f"names the source '{name}', which is not defined{near_miss(name, workload.sources)}",
                )


def _source_complaints(workload: Workload) -> Complaints:
    for name, source in workload.sources.items():
        for index, text in enumerate(source.addresses):
            try:
                parse_interval(text)
            except ValueError:
                yield (
                    ("sources", name, "addresses", index),
                    f"is '{text}', expected an IPv4 address, prefix, range or *",
                )
        if not (source.addresses or source.ip_groups or source.subnets or source.virtual_networks):
            yield ("sources", name), f"source '{name}' is empty"


def _requirement_complaints(workload: Workload) -> Complaints:
    for index, requirement in enumerate(workload.requirements):
        place: Path_ = ("requirements", index)
        if sum(map(bool, (requirement.pattern, requirement.service_tag, requirement.fqdn_tag))) != 1:
            yield place, "needs exactly one of pattern, service_tag and fqdn_tag"
        yield from _pattern_complaints(requirement, place)
        for number, text in enumerate(requirement.ports):
            try:
                parse_port(text)
            except ValueError as error:
                yield (*place, "ports", number), str(error)


def _pattern_complaints(requirement: OwnRequirement, place: Path_) -> Complaints:
    if requirement.pattern and "{" not in requirement.pattern:
        try:
            parse_pattern(requirement.pattern, Dialect.APPLICATION_RULE)
        except InvalidPattern as error:
            yield (*place, "pattern"), str(error)


def _date_complaints(workload: Workload) -> Complaints:
    for section in ("requirements", "waivers", "suppressions"):
        for index, item in enumerate(getattr(workload, section)):
            if not is_date(item.expires):
                yield (section, index, "expires"), f"is '{item.expires}', expected a date such as 2027-01-31"
    for index, price in enumerate(workload.prices):
        if not is_date(price.date):
            yield ("prices", index, "date"), f"is '{price.date}', expected a date such as 2027-01-31"
    for index, freeze in enumerate(workload.automation.freezes):
        for key, text in (("from", freeze.first), ("to", freeze.last)):
            if not is_date(text):
                yield (
                    ("automation", "freezes", index, key),
                    f"is '{text}', expected a date such as 2027-01-31",
                )


def _automation_complaints(workload: Workload) -> Complaints:
    automation = workload.automation
    for index, window in enumerate(automation.windows):
        for key, text in (("from", window.start), ("to", window.end)):
            if not _is_time(text):
                yield ("automation", "windows", index, key), f"is '{text}', expected a time such as 21:30"
    for index, freeze in enumerate(automation.freezes):
        if is_date(freeze.first) and is_date(freeze.last) and freeze.last < freeze.first:
            yield ("automation", "freezes", index, "to"), f"is '{freeze.last}', before its 'from'"
    known = [*(use.name for use in workload.catalogs), OWN]
    for name in automation.unattended.catalogs:
        if name not in known:
            yield (
                ("automation", "unattended", "catalogs"),
                f"names the catalog '{name}', which is not used{near_miss(name, known)}",
            )


def _notification_complaints(workload: Workload) -> Complaints:
    for index, item in enumerate(workload.notifications):
        place: Path_ = ("notifications", index)
        if item.channel == "webhook":
            yield from _webhook_complaints(item, place)
            continue
        if not _is_variable(item.url):
            yield (
                (*place, "url"),
                f"holds the secret of a {item.channel} channel; write env:NAME, the variable it is in",
            )
        if item.secret:
            yield (*place, "secret"), "only a webhook is signed; leave it out"


def _webhook_complaints(item: Notification, place: Path_) -> Complaints:
    parts = urlsplit(item.url)
    if not (_is_variable(item.url) or (parts.scheme in ("https", "http") and parts.hostname)):
        yield (*place, "url"), "is neither env:NAME nor an https address"
    elif "@" in parts.netloc or parts.query:
        yield (*place, "url"), "seems to hold a secret; write env:NAME, the variable it is in"
    if not _is_variable(item.secret):
        yield (
            (*place, "secret"),
            "a webhook is signed; write secret: env:NAME, the variable its secret is in",
        )


def _is_variable(text: str) -> bool:
    return text.startswith(ENVIRONMENT) and text.removeprefix(ENVIRONMENT).isidentifier()


def _is_time(text: str) -> bool:
    hours, _, minutes = text.partition(":")
    return hours <= "23" and minutes <= "59"


def is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
