"""A posture report as one HTML file, from the templates beside this module; what is quoted is escaped by Jinja2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from allowlist.network.observation import State
from allowlist.network.posture import Posture
from allowlist.render.escape import lines
from allowlist.render.findings import finding_line
from allowlist.render.path_svg import BOX, Drawing
from allowlist.render.posture import DISPOSITION_GLYPHS, STATE_GLYPHS, STATE_WORDS, shown

_KINDS = {
    State.MET: "met",
    State.NOT_MET: "not-met",
    State.NOTE: "note",
    State.UNKNOWN: "unknown",
    None: "unused",
}
_TALLY = (State.NOT_MET, State.UNKNOWN, State.NOTE, State.MET)


def posture_html(posture: Posture) -> str:
    """The whole page."""
    told = [item for item in posture.findings if item.observation.state in (State.NOT_MET, State.UNKNOWN)]
    page = _templates().get_template("posture.html")
    return str(
        page.render(
            posture=posture,
            title=f"Network posture of {posture.workload}",
            told=sorted(told, key=lambda item: item.suppressed_by is not None),
            tally=[(state, "notes" if state is State.NOTE else STATE_WORDS[state]) for state in _TALLY],
            drawings=[Drawing.of(path) for path in posture.paths],
            besides=_besides(posture),
            kinds=_KINDS,
            glyphs=STATE_GLYPHS,
            words=STATE_WORDS,
            dispositions=DISPOSITION_GLYPHS,
            shown=shown,
            met=State.MET,
            not_met=State.NOT_MET,
            **BOX,
        )
    )


def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["short"] = _short
    return found


def _visible(value: Any) -> Any:
    """What cannot be seen, or turns text round, is spelt out on a page as well."""
    return lines(value) if type(value) is str else value


def _short(text: str) -> str:
    return text if len(text) <= 17 else text[:16] + "…"


def _besides(posture: Posture) -> list[str]:
    return [
        *(f"Suppression {item.id} of {item.owner} expired on {item.expires}." for item in posture.expired),
        *(f"Suppression {item.id} of {item.owner} hides nothing: remove it." for item in posture.unused),
        *(f"Not readable: {text}" for text in posture.unreadable),
        *map(finding_line, posture.unsettled),
    ]
