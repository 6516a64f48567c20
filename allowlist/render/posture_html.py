"""A posture report as one HTML file, from the templates beside this module; what is quoted is escaped by Jinja2."""

from __future__ import annotations

from allowlist.network.observation import State
from allowlist.network.posture import Posture
from allowlist.render.findings import finding_line
from allowlist.render.pages import environment
from allowlist.render.path_svg import BOX, Drawing
from allowlist.render.posture import STATE_GLYPHS, STATE_WORDS, counted_state, shown, stage_glyph

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
    page = environment().get_template("posture.html")
    return str(
        page.render(
            posture=posture,
            title=f"Network posture of {posture.workload}",
            told=sorted(told, key=lambda item: item.suppressed_by is not None),
            tally=_TALLY,
            counted_state=counted_state,
            drawings=[Drawing.of(path, posture.worst_at) for path in posture.paths],
            besides=_besides(posture),
            kinds=_KINDS,
            glyphs=STATE_GLYPHS,
            words=STATE_WORDS,
            stage_glyph=stage_glyph,
            shown=shown,
            met=State.MET,
            not_met=State.NOT_MET,
            **BOX,
        )
    )


def _besides(posture: Posture) -> list[str]:
    return [
        *(f"Suppression {item.id} of {item.owner} expired on {item.expires}." for item in posture.expired),
        *(f"Suppression {item.id} of {item.owner} hides nothing: remove it." for item in posture.unused),
        *(f"Not readable: {text}" for text in posture.unreadable),
        *map(finding_line, posture.unsettled),
    ]
