"""Rules about names that cannot be what they are meant to be, and about names that come together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from allowlist.azure.facts import service_tags
from allowlist.catalog.lint.context import Complaint, LintContext
from allowlist.catalog.model import Catalog, Entry, Kind, Protocol
from allowlist.catalog.reach import matches_shape
from allowlist.names import registrable_domain

REVOCATION: Final = ("crl", "ocsp", "oneocsp", "ctldl", "cacerts", "caissuers", "sslcrl", "pki")
"""First labels of hosts that hand out certificates and their status, over plain HTTP as RFC 5280 has it."""

PAIRS: Final = {
    "mcr.microsoft.com": "*.data.mcr.microsoft.com",
    "mcr.azure.cn": "*.data.mcr.azure.cn",
    "registry-1.docker.io": "auth.docker.io",
}
"""A host, and the one without which it is of no use: manifests come from the first and layers from the second."""


def tag_as_host(context: LintContext) -> Iterator[Complaint]:
    """A service tag written as a host name matches no host: the rule stands there and does nothing.

    One without a dot is no name at all, which reading the catalog says already.
    """
    known = {tag.lower(): tag for tag in service_tags().service_tags}
    for index, entry, _ in context.live_patterns:
        name, _, part = entry.value.removeprefix("*.").partition(".")
        tag = known.get(name.lower())
        sub_tags = {sub.lower() for sub in service_tags().sub_tags.get(tag or "", ())}
        if tag and (part.lower() in sub_tags or part == "{region}"):
            yield Complaint(
                path=("entries", index, "pattern"),
                message=f"'{entry.value}' is a service tag and no host name",
                remedy=f"write 'service_tag: {entry.value}'",
            )


def near_twin(context: LintContext) -> Iterator[Complaint]:
    """The same name under another end is either a twin of its owner, which pages say, or a slip that matches nothing."""
    for index, name, meant in _twins(context, cited=False):
        yield Complaint(
            path=("entries", index, "pattern"),
            message=f"'{name}' and the known '{meant}' differ in their ends only",
            remedy=f"write '{meant}', or say under 'contradiction:' which page really has '{name}'",
        )


def near_twin_cited(context: LintContext) -> Iterator[Complaint]:
    """A page that is cited does not keep a slip of the pen out; before the first release somebody looks again."""
    for index, name, meant in _twins(context, cited=True):
        if context.catalog.entries[index].since == "next":
            yield Complaint(
                path=("entries", index, "pattern"),
                message=f"'{name}' and the known '{meant}' differ in their ends only",
                remedy=f"look whether the cited page says '{name}' and not '{meant}'; then it may stay",
            )


def _twins(context: LintContext, *, cited: bool) -> Iterator[tuple[int, str, str]]:
    """Number of the entry, its name, and the known name of the same cloud that it nearly is."""
    for index, entry, pattern in context.live_patterns:
        name = pattern.suffix.removeprefix(".")
        vouched = entry.contradiction or "{" in entry.value or name in context.vouched_hosts
        if vouched or entry.dead_since or bool(entry.sources) is not cited:
            continue
        known = context.hosts_by_cloud.items()
        meant = next(
            (host for host, clouds in sorted(known) if clouds & set(entry.clouds) and _is_twin(name, host)),
            None,
        )
        if meant:
            yield index, name, meant


def _is_twin(name: str, known: str) -> bool:
    """``agent365.svc.cloud.microsoft.com`` beside ``agent365.svc.cloud.microsoft``, or another end altogether."""
    if name == known:
        return False
    longer, shorter = max(name, known, key=len), min(name, known, key=len)
    if (
        longer.startswith(f"{shorter}.")
        and shorter.count(".") >= 2
        and longer.count(".") == shorter.count(".") + 1
    ):
        return True
    one, other = registrable_domain(name), registrable_domain(known)
    return bool(
        one
        and other
        and one != other
        and one.partition(".")[0] == other.partition(".")[0]
        and name.removesuffix(one) == known.removesuffix(other)
        and name.count(".") >= 2
    )


def revocation_over_https(context: LintContext) -> Iterator[Complaint]:
    """Certificates and their status are fetched over plain HTTP: port 443 alone leaves every check offline."""
    http = {
        entry.value
        for _, entry in context.live
        if any(
            port.protocol in (Protocol.HTTP, Protocol.TCP, Protocol.ANY) and port.first <= 80 <= port.last
            for port in entry.ports
        )
    }
    for index, entry, _ in context.live_patterns:
        first = entry.value.removeprefix("*.").partition(".")[0].rstrip("0123456789")
        if first in REVOCATION and entry.value not in http and not entry.contradiction:
            yield Complaint(
                path=("entries", index, "ports"),
                message=f"'{entry.value}' hands out certificates or their status, which clients fetch over http:80",
                remedy="write 'ports: [http:80]', or say under 'contradiction:' why https alone is right",
            )


def split_pair(context: LintContext) -> Iterator[Complaint]:
    """Two hosts of one service where only one stands: the first answers, and what it points at never arrives."""
    for index, entry, _ in context.live_patterns:
        partner = PAIRS.get(entry.value)
        if partner and not any(_goes_with(other, entry, partner) for _, other in context.live):
            yield Complaint(
                path=("entries", index, "pattern"),
                message=f"'{entry.value}' stands in scenario '{entry.scenario}' without '{partner}'",
                remedy=f"add '{partner}' beside it",
            )


def _goes_with(other: Entry, entry: Entry, partner: str) -> bool:
    shares = set(other.clouds) & set(entry.clouds) and set(other.consumers) & set(entry.consumers)
    return other.value == partner and other.scenario == entry.scenario and bool(shares)


def observed_otherwise(context: LintContext) -> Iterator[Complaint]:
    """A pattern whose placeholder has another shape than the names programs were seen to ask for lets none of them out."""
    for index, entry, _ in context.live_patterns:
        if "{" not in entry.value or entry.dead_since:
            continue
        seen = next((name for name in sorted(context.observed) if _misses(entry.value, name)), None)
        if seen:
            yield Complaint(
                path=("entries", index, "pattern"),
                message=f"'{entry.value}' does not let '{seen}' through, which programs were seen to ask for",
                remedy="use the placeholder of that shape, such as {stamp} for eastus2-3",
            )


def _misses(value: str, name: str) -> bool:
    """The same name but for the label of the placeholder, whose shape does not fit."""
    head, _, tail = value.partition(".")
    seen, _, rest = name.partition(".")
    is_alone = head.startswith("{") and head.endswith("}") and head.count("{") == 1
    return (
        is_alone and tail == rest and "{" not in tail and "{" not in seen and not matches_shape(value, name)
    )


def page_in_part(context: LintContext) -> Iterator[Complaint]:
    """A page that two catalogs cite, with rows in one of them only: somebody who takes the other gets half of it."""
    mine = _rows_by_page(context.catalog)
    for index, entry in context.live:
        for page in {(item.repo, item.path) for item in entry.sources}:
            elsewhere = context.rows_elsewhere.get(page, {})
            if len(elsewhere) != 1:
                continue  # an overview that many cite tells of many services
            others = {
                value: name
                for name, rows in elsewhere.items()
                for value in rows - mine.get(page, frozenset())
            }
            first = next(
                (i for i, other in context.live if page in {(s.repo, s.path) for s in other.sources}), None
            )
            if others and first == index:
                value, name = sorted(others.items())[0]
                more = f" and {len(others) - 1} more" if len(others) > 1 else ""
                yield Complaint(
                    path=("entries", index, "sources"),
                    message=f"{page[1]} is cited by '{name}' too, where '{value}'{more} of the same page stand(s)",
                    remedy="see whether this service needs them as well; it costs nothing to leave it so",
                )


def _rows_by_page(catalog: Catalog) -> Mapping[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for entry in catalog.entries:
        if not entry.until and entry.kind in (Kind.PATTERN, Kind.SERVICE_TAG):
            for page in entry.sources:
                found.setdefault((page.repo, page.path), set()).add(entry.value)
    return {page: frozenset(values) for page, values in found.items()}


def rows_of(catalogs: Mapping[str, Catalog], but: str) -> dict[tuple[str, str], dict[str, frozenset[str]]]:
    """By page, which catalogs other than ``but`` have which rows of it."""
    found: dict[tuple[str, str], dict[str, frozenset[str]]] = {}
    for name, catalog in catalogs.items():
        if name == but:
            continue
        for page, values in _rows_by_page(catalog).items():
            found.setdefault(page, {})[name] = values
    return found
