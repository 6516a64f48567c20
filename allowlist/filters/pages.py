"""The page of each format, from the tables that write and read it, so that no page can say something else.

``python -m allowlist.filters.pages docs/filters`` writes them; a test holds the folder against this module.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from allowlist.filters.dialects import DIALECTS
from allowlist.filters.export import Export, export
from allowlist.filters.format import Format
from allowlist.filters.lists import Kind, Service
from allowlist.filters.reading import Form
from allowlist.filters.registry import FORMATS
from allowlist.filters.ruleset import Sight, sight_of
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.requirement import Origin, Requirement

_WANTED: Final = {
    Kind.EXACT: ("contoso.com",),
    Kind.BELOW: ("*.contoso.com",),
    Kind.TREE: ("contoso.com", "*.contoso.com"),
    Kind.ENDS: ("*contoso.com",),
    Kind.EVERYTHING: ("*",),
}
_WRITTEN: Final = (
    "contoso.com",
    ".contoso.com",
    "*.contoso.com",
    "*contoso.com",
    "**.contoso.com",
    "contoso.com.",
    "Contoso.COM",
    "contoso.*",
    "api.*.contoso.com",
    "contoso.com:443",
    "https://contoso.com",
    "bücher.contoso.com",
)
_PLACES: Final = {
    "squid": ("squid dstdomain",),
    "envoy-sni": ("envoy filter_chain server_names",),
    "envoy-proxy": ("envoy virtual_hosts Host", "envoy virtual_hosts CONNECT host:443"),
    "nginx": ("nginx stream map hostnames", "nginx stream map plain"),
    "haproxy": ("haproxy sni -m str", "haproxy sni -m end", "haproxy sni -m dom", "haproxy sni -m sub"),
    "dnsmasq": ("dnsmasq server=/P/", "dnsmasq nftset=/P/"),
    "unbound": ("unbound local-zone",),
    "suricata": (
        "suricata tls.sni startswith endswith nocase",
        "suricata tls.sni endswith nocase",
        "suricata tls.sni dotprefix endswith nocase",
        "suricata http.host dotprefix endswith",
    ),
    "aws-domain-list": ("aws domain list",),
    "cilium": ("cilium matchPattern",),
    "pan-os": ("pan-os url",),
    "pan-os-category": ("pan-os url",),
    "fortigate": ("fortigate fqdn",),
    "gcp-swp": ("gcp url list",),
}


def page_of(engine: Format) -> str:
    """The page of one format as Markdown."""
    return "\n".join(_lines(engine)) + "\n"


def _lines(engine: Format) -> Iterator[str]:
    yield from (f"# {engine.title}", "", f"`allowlist export --to {engine.name} -o FOLDER`", "")
    yield from ("## What is written", "", "| wanted | written |", "| --- | --- |")
    for kind, patterns in _WANTED.items():
        yield f"| {kind}: {_code(*patterns)} | {_written(engine, patterns)} |"
    for name in _PLACES.get(engine.name, ()):
        yield from _place(name)
    yield from ("", "## Good to know", "")
    yield from (f"- {note}" for note in engine.notes)
    yield from _limits(engine)
    yield from _reading(engine)


_SEES: Final = {
    Sight.WEB: "names in HTTP and HTTPS, by port",
    Sight.ADDRESS: "addresses behind names, by TCP port: other hosts on the same address pass as well",
    Sight.NAME: "names alone: what resolves passes on every port",
}


def _reading(engine: Format) -> Iterator[str]:
    sees = _SEES[sight_of(engine.sees(Service("https", 443, 443)))]
    after = "; what follows it sees its own address" if engine.reconnects else ""
    yield from (
        "",
        "## Lists that are there already",
        "",
        (
            f"A target with `surface: filter` and `options: {{format: {engine.name}}}` reads them for `check`, `explain`, "
            "`plan` and"
        ),
        "`compare`: [what is read and what decides](../other-filters.md#what-is-read-format-by-format).",
        f"It sees {sees}{after}.",
    )


def _exported(engine: Format, patterns: tuple[str, ...]) -> Export:
    origin = Origin(catalog="demo", version="1.0.0", entry="e")
    wanted = [
        Requirement(origin=origin, sources=EVERYWHERE, protocol="https", ports=(443, 443), pattern=pattern)
        for pattern in patterns
    ]
    return export(engine, wanted, "page")


def _written(engine: Format, patterns: tuple[str, ...]) -> str:
    found = _exported(engine, patterns)
    if found.left_out:
        return "refused: it cannot be said"
    if found.widenings:
        wider = found.widenings[0]
        return f"refused, or with `--allow-wider` {wider.written}, which also lets `{wider.witness}` through"
    return "exactly"


def _limits(engine: Format) -> Iterator[str]:
    """What is counted with every export, by the sizes of a small one."""
    sizes = _exported(engine, ("www.contoso.com",)).sizes
    if sizes:
        yield from (
            "",
            "## Sizes",
            "",
            "Counted and told with every export; what is beyond a limit is refused.",
            "",
        )
        yield from ("| counted | at most | source |", "| --- | --- | --- |")
    for size in sizes:
        most = f"{size.most:,}" if size.most is not None else "–"
        yield f"| {size.what} | {most} | {size.source} |"


def _place(name: str) -> Iterator[str]:
    dialect = DIALECTS[name]
    source = (
        f"measured on {', '.join(dialect.versions)}"
        if dialect.versions
        else f"by the vendor's documentation: {dialect.source}"
    )
    yield from ("", f"## What an entry means: {dialect.title}", "", f"{source[0].upper()}{source[1:]}.", "")
    yield from ("| entry | means |", "| --- | --- |")
    for entry in _WRITTEN:
        reading = dialect.read(entry)
        yield f"| `{entry}` | {_meaning(reading.form, entry)}{': ' + reading.why if reading.why else ''} |"


_WORDS: Final = {
    Form.EXACT: "exactly this name",
    Form.BELOW: "everything below the name, not the name",
    Form.TREE: "the name and everything below it",
    Form.SEVERAL: "several names",
    Form.ENDS: "every name that ends so, look-alikes included",
    Form.EVERYTHING: "every name",
    Form.OPAQUE: "more than names can say",
    Form.DEAD: "nothing",
    Form.FATAL: "the file does not load",
}


def _meaning(form: Form, entry: str) -> str:
    if form is Form.ENDS and entry.lstrip("*").startswith("."):
        return _WORDS[Form.BELOW]
    return _WORDS[form]


def _code(*texts: str) -> str:
    return " and ".join(f"`{text}`" for text in texts)


def pages() -> dict[str, str]:
    """Every page by its file name, the index among them."""
    index = ["# Other egress filters", "", "| format | engine |", "| --- | --- |"]
    index += [f"| [{name}]({name}.md) | {engine.title} |" for name, engine in FORMATS.items()]
    return {"index.md": "\n".join(index) + "\n"} | {
        f"{name}.md": page_of(engine) for name, engine in FORMATS.items()
    }


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
