"""One documented destination, as a page writes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one line of a page asks for.

    ``value`` is as written (placeholders, capitals, typos) without Markdown marks, scheme, port and path.
    ``kind`` is fqdn, service_tag, any_destination, placeholder, port_only, ip_range, private_dns_zone or
    dns_forwarder. ``cloud`` is public where the page names none
    (``cloud_is_stated`` is then false). ``ports`` is the page's own phrase, empty when it states none.
    ``direction`` is set for tags only. ``flags`` say what is wrong with the value; ``alternatives`` are the other ways the same cell
    offers to meet the requirement. ``quote`` is the source line.
    """

    page: str
    line: int
    value: str
    kind: str
    cloud: str
    cloud_is_stated: bool = False
    ports: str = ""
    direction: str = ""
    section: str = ""
    headings: tuple[str, ...] = ()
    tab: str = ""
    need: str = "required"
    in_purpose: bool = False
    scheme: str = ""
    path: str = ""
    alternatives: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    purpose: str = ""
    quote: str = ""
