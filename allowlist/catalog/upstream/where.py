"""Where on a page a block stands, and what that says about the names in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from allowlist.catalog.upstream.names import Name
from allowlist.catalog.upstream.page import Heading, Tab
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.tag_names import invalid_tag_note
from allowlist.catalog.upstream.words import (
    announces_no_requirement,
    cloud_named_in,
    cloud_of_host,
    cloud_of_page,
    direction_named_in,
    is_about_network,
    is_headed_as_unwanted,
    need_named_in,
)

_TAGS_FOLLOW = re.compile(r"\bservice\s?tags?\b|\b(?:following|these) tags\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """``lead`` is the paragraph that introduces a list or table; ``before_tabs`` are the headings outside."""

    page: str
    headings: tuple[Heading, ...] = ()
    tab: Tab | None = None
    before_tabs: tuple[Heading, ...] = ()
    lead: str = ""

    def under(self, heading: Heading) -> Where:
        """Below a new heading; one above the level of the tabs ends them."""
        kept = tuple(above for above in self.headings if above.level < heading.level)
        ends_tabs = self.tab is not None and self.tab.level > 1 and heading.level < self.tab.level
        tab = None if ends_tabs else self.tab
        return replace(self, headings=(*kept, heading), tab=tab, lead="")

    def in_tab(self, tab: Tab) -> Where:
        """In the next tab of a group; headings of the tab before do not reach into it."""
        outside = self.before_tabs if self.tab else self.headings
        return replace(self, headings=outside, before_tabs=outside, tab=tab, lead="")

    def after_tabs(self) -> Where:
        if self.tab is None:
            return self
        return replace(self, headings=self.before_tabs, tab=None, lead="")

    def introduced_by(self, lead: str) -> Where:
        return replace(self, lead=lead)

    @property
    def section(self) -> str:
        """The title nearest above: of a heading inside the tab, else of the tab, else of the heading."""
        inside = self.headings[len(self.before_tabs) :] if self.tab else self.headings
        if inside:
            return inside[-1].title
        return self.tab.title if self.tab else ""

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(heading.title for heading in self.headings)

    @property
    def tab_title(self) -> str:
        return self.tab.title if self.tab else ""

    @property
    def asks_for_nothing(self) -> bool:
        """Does lead, tab or a heading above say that what follows is to be blocked, gone, or an example?"""
        unwanted = any(is_headed_as_unwanted(title) for title in (*self.titles, self.tab_title))
        return unwanted or announces_no_requirement(self.lead)

    @property
    def is_about_network(self) -> bool:
        return is_about_network(" ".join((self.page, *self.titles, self.tab_title, self.lead)))

    @property
    def demands_access(self) -> bool:
        """Do lead or heading ask to let traffic out to what follows?"""
        words = f"{self.section} {self.lead}"
        return direction_named_in(words) != "inbound" and bool(
            re.search(r"\b(?:allow|permit|open|outbound|egress|destinations?)\b", words, re.IGNORECASE)
        )

    @property
    def announces_tags(self) -> bool:
        """Does the lead, or without one the heading, say that service tags follow?"""
        last = self.lead.rstrip().rsplit(". ", 1)[-1]
        if last.endswith(":"):
            return bool(_TAGS_FOLLOW.search(last))
        return "service tag" in self.section.lower()

    @property
    def mentions_tags(self) -> bool:
        """Do lead, heading or tab speak of service tags at all?"""
        return bool(_TAGS_FOLLOW.search(" ".join((self.lead, self.section, self.tab_title))))

    @property
    def direction(self) -> str:
        """Direction the lead or the nearest heading names; a tag without one is an outbound destination."""
        for words in (self.lead, *reversed(self.titles)):
            named = direction_named_in(words)
            if named:
                return "outbound" if named == "both" else named
        return "outbound"

    @property
    def cloud(self) -> str:
        """The cloud named by the lead's last sentence, tab, headings (nearest first) or the file, or empty."""
        last = self.lead.rstrip().rsplit(". ", 1)[-1] if self.lead.rstrip().endswith(":") else ""
        for words in (last, self.tab_title, *reversed(self.titles)):
            named = cloud_named_in(words)
            if named:
                return named
        return cloud_of_page(self.page)

    def row(self, name: Name, *, cloud: str = "", purpose: str = "", **known: object) -> Row:
        """The row for ``name`` found here; ``cloud`` is one that the cell itself names."""
        stated, own = cloud or self.cloud, cloud_of_host(name.value)
        row = Row(
            page=self.page,
            line=name.line,
            value=name.value,
            kind=name.kind,
            cloud=stated or own or "public",
            cloud_is_stated=bool(stated or own),
            ports=name.port,
            direction=self.direction if name.kind == "service_tag" else "",
            section=self.section,
            headings=self.titles,
            tab=self.tab_title,
            need=need_named_in(f"{self.section} {self.lead}", purpose),
            scheme=name.scheme,
            path=name.path,
            flags=_flags(name, stated),
            purpose=" ".join(purpose.split())[:200],
        )
        return replace(row, **known)  # type: ignore[arg-type]


def _flags(name: Name, stated_cloud: str) -> tuple[str, ...]:
    notes = []
    if name.kind == "service_tag":
        notes.append(invalid_tag_note(name.value))
    if name.kind == "fqdn" and name.value.startswith("."):
        notes.append("starts with a dot; a wildcard is written '*.'")
    own = cloud_of_host(name.value)
    if own and stated_cloud and own != stated_cloud:
        notes.append(f"listed for {stated_cloud}, but the suffix belongs to {own}")
    return tuple(note for note in notes if note)
