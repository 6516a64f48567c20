"""A posture report as one HTML file: no outside request, light and dark, printable; the path as an inline SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from allowlist.network.observation import State
from allowlist.network.path import Step
from allowlist.network.posture import Finding, Posture, Row, SubnetPath
from allowlist.render.path_svg import path_svg
from allowlist.render.posture import COURSE_GLYPHS, STATE_GLYPHS, STATE_WORDS, shown

_STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b2130;--dim:#5c6679;--line:#dfe3ea;
--good:#1a7f4b;--good-bg:#e7f5ed;--bad:#b3261e;--bad-bg:#fdecea;--warn:#8a5a00;--warn-bg:#fff4dc;
--note:#3f5e8c;--note-bg:#eaf0f9;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media(prefers-color-scheme:dark){:root{--bg:#12151c;--card:#1a1f29;--ink:#e6eaf2;--dim:#98a3b8;--line:#2c3443;
--good:#6fd39b;--good-bg:#14301f;--bad:#ff8f85;--bad-bg:#3a1917;--warn:#f0c264;--warn-bg:#35280e;
--note:#9dbcec;--note-bg:#182740}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1120px;margin:0 auto;padding:32px 24px 64px}
header{display:flex;flex-wrap:wrap;align-items:end;gap:8px 24px;margin-bottom:20px}
h1{font-size:26px;line-height:1.2;margin:0;letter-spacing:-.01em}
h2{font-size:18px;margin:36px 0 12px}
h3{font-size:15.5px;margin:0;line-height:1.35}
.sub{color:var(--dim);margin:0}
.tally{display:grid;grid-template-columns:repeat(auto-fit,minmax(120px,1fr));gap:12px;margin:0 0 8px}
.tally div{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:12px 16px}
.tally b{display:block;font-size:26px;line-height:1.1;font-variant-numeric:tabular-nums}
.tally span{color:var(--dim);font-size:13px}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:16px 18px;margin:0 0 12px;
break-inside:avoid}
.card.bad{border-left:4px solid var(--bad)}.card.unknown{border-left:4px solid var(--warn)}
.card.held{opacity:.8;border-left:4px solid var(--line)}
.head{display:flex;flex-wrap:wrap;gap:6px 10px;align-items:center;margin-bottom:6px}
.pill{display:inline-block;border-radius:99px;padding:1px 10px;font-size:12.5px;font-weight:600;white-space:nowrap}
.met{color:var(--good);background:var(--good-bg)}.not-met{color:var(--bad);background:var(--bad-bg)}
.unknown .pill,.pill.unknown{color:var(--warn);background:var(--warn-bg)}
.pill.note{color:var(--note);background:var(--note-bg)}
.pill.unused{color:var(--dim);background:transparent;border:1px solid var(--line)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:8px 0 0}
dt{color:var(--dim)}dd{margin:0;min-width:0}
code{font:12.5px/1.5 var(--mono);overflow-wrap:anywhere}
.place{display:block;margin:0 0 4px;color:var(--dim)}.place b{color:var(--ink);font-weight:600}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:14px;
overflow:hidden}
th,td{text-align:left;vertical-align:top;padding:10px 14px;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--dim);font-size:12.5px;font-weight:600}
td:first-child{font-weight:600;white-space:nowrap}
td.needs{color:var(--dim);font-size:13.5px}
a{color:var(--note)}.card p.sub{margin-top:8px;font-size:13.5px}
details{margin:6px 0}summary{cursor:pointer;color:var(--dim)}
ul.plain{list-style:none;margin:8px 0 0;padding:0}ul.plain li{padding:3px 0;border-top:1px dashed var(--line)}
.scroll{overflow-x:auto}
svg.path{width:100%;min-width:760px;height:auto;display:block}
.stop rect{fill:var(--card);stroke:var(--line);stroke-width:1.5}
.stop text{text-anchor:middle;fill:var(--ink);font:600 13.5px system-ui,sans-serif}
.stop .stage{fill:var(--dim);font:12px system-ui,sans-serif}.stop .word{font:600 12.5px system-ui,sans-serif}
.stop.source .word{fill:var(--dim);font-weight:400}
.stop.passes rect{fill:var(--good-bg);stroke:var(--good)}.stop.passes .word{fill:var(--good)}
.stop.blocked rect{fill:var(--bad-bg);stroke:var(--bad)}.stop.blocked .word{fill:var(--bad)}
.stop.around rect{fill:var(--bad-bg);stroke:var(--bad)}.stop.around .word{fill:var(--bad)}
.stop.unknown rect{fill:var(--warn-bg);stroke:var(--warn)}.stop.unknown .word{fill:var(--warn)}
.stop.partly rect{fill:var(--warn-bg);stroke:var(--warn)}.stop.partly .word{fill:var(--warn)}
.stop.aside rect{stroke-dasharray:5 4}.stop.aside text{fill:var(--dim)}
.arrow,.detour{fill:none;stroke:var(--dim);stroke-width:1.8}.head path,path.head{fill:var(--dim)}
.arrow.quiet{stroke-dasharray:3 4}.detour{stroke:var(--bad);stroke-width:2.2}.detour-head,.detour-word{fill:var(--bad)}
.detour-word{text-anchor:middle;font:600 12.5px system-ui,sans-serif}
footer{color:var(--dim);font-size:13px;margin-top:40px}
@media(max-width:640px){main{padding:20px 14px}dl{grid-template-columns:1fr}dt{margin-top:6px}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff}body{font-size:11.5px}main{max-width:none;padding:0}
details>*{display:block}.card,tr,svg{break-inside:avoid}a{color:inherit;text-decoration:none}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""

_KINDS = {
    State.MET: "met",
    State.NOT_MET: "not-met",
    State.NOTE: "note",
    State.UNKNOWN: "unknown",
    None: "unused",
}


def posture_html(posture: Posture) -> str:
    """The whole page."""
    title = f"Network posture of {posture.workload}"
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
            *_header(posture, title),
            *_tally(posture),
            *_paths(posture.paths),
            *_findings(posture),
            *_services(posture.rows),
            *_rest(posture),
            "</main></body></html>\n",
        ]
    )


def _header(posture: Posture, title: str) -> Iterator[str]:
    yield f"<header><h1>{escape(title)}</h1>"
    yield f'<p class="sub">{escape(posture.origin)} · {posture.created:%Y-%m-%d %H:%M} UTC · cloud {posture.cloud}</p>'
    yield "</header>"


def _tally(posture: Posture) -> Iterator[str]:
    yield '<div class="tally">'
    for state in (State.NOT_MET, State.UNKNOWN, State.NOTE, State.MET):
        word = "notes" if state is State.NOTE else STATE_WORDS[state]
        yield f"<div><b>{posture.count(state)}</b><span>{STATE_GLYPHS[state]} {word}</span></div>"
    yield f"<div><b>{len(posture.suppressed)}</b><span>suppressed</span></div></div>"


def _paths(paths: tuple[SubnetPath, ...]) -> Iterator[str]:
    if paths:
        yield "<h2>The way out</h2>"
    for path in paths:
        yield f'<div class="card"><div class="scroll">{path_svg(path)}</div>'
        yield "<details><summary>What decides at each stage</summary>"
        yield f'<ul class="plain">{"".join(_stage(step) for step in path.steps)}</ul></details></div>'


def _stage(step: Step) -> str:
    places = "".join(
        f'<code class="place">{escape(place.resource)} <b>{escape(place.path)}</b></code>'
        for place in step.evidence
    )
    return f"<li>{COURSE_GLYPHS[step.course]} <b>{step.stage}</b>: {escape(step.says)}{places}</li>"


def _findings(posture: Posture) -> Iterator[str]:
    told = [item for item in posture.findings if item.observation.state in (State.NOT_MET, State.UNKNOWN)]
    yield "<h2>What is not as recommended</h2>"
    if not told:
        yield '<div class="card">Everything that was looked at is as recommended.</div>'
    for finding in sorted(told, key=lambda item: item.suppressed_by is not None):
        yield _finding(finding)


def _finding(finding: Finding) -> str:
    item, held = finding.observation, finding.suppressed_by
    kind = "held" if held else "bad" if item.state is State.NOT_MET else "unknown"
    evidence = "".join(
        f'<code class="place">{escape(place.resource)}<br><b>{escape(place.path)}</b> = {escape(shown(place))}</code>'
        for place in item.evidence
    )
    rows = [
        ("So it is", escape(item.says)),
        ("Evidence", evidence or "nothing was read"),
        ("Next step", escape(item.remedy)),
    ]
    if held:
        rows.append(("Suppressed", escape(f"by {held.owner} until {held.expires}: {held.reason}")))
    body = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows)
    recommendation = finding.recommendation
    return (
        f'<article class="card {kind}"><div class="head">{_pill(item.state)}'
        f'<span class="pill note">{recommendation.service}</span><h3>{escape(recommendation.text)}</h3></div>'
        f'<code class="place">{escape(finding.id)} · {item.severity}</code><dl>{body}</dl>'
        f'<p class="sub"><a href="{escape(recommendation.source, quote=True)}">why this is recommended</a></p></article>'
    )


def _pill(state: State | None) -> str:
    return f'<span class="pill {_KINDS[state]}">{STATE_GLYPHS[state]} {STATE_WORDS[state]}</span>'


def _services(rows: tuple[Row, ...]) -> Iterator[str]:
    yield "<h2>Services</h2><table><thead><tr><th>Service</th><th>State</th>"
    yield "<th>What was looked at</th><th>Needs outbound itself</th></tr></thead><tbody>"
    for row in rows:
        met = [item for item in row.findings if item.observation.state is State.MET]
        rest = [item for item in row.findings if item.observation.state is not State.MET]
        listed = "".join(
            f"<li>{STATE_GLYPHS[item.observation.state]} {escape(item.observation.says)}</li>"
            for item in rest
        )
        yield f"<tr><td>{row.service}</td><td>{_pill(row.state)}</td><td>"
        yield f'<ul class="plain">{listed}</ul>' if listed else ""
        yield _met(met)
        yield f'</td><td class="needs">{_need(row)}</td></tr>'
    yield "</tbody></table>"


def _met(findings: list[Finding]) -> str:
    if not findings:
        return ""
    items = "".join(f"<li>✓ {escape(item.observation.says)}</li>" for item in findings)
    return f'<details><summary>{len(findings)} met</summary><ul class="plain">{items}</ul></details>'


def _need(row: Row) -> str:
    if row.need is None:
        return ""
    link = f' <a href="{escape(row.need.source, quote=True)}">source</a>' if row.need.source else ""
    return f"{escape(row.need.says)}{link}"


def _rest(posture: Posture) -> Iterator[str]:
    lines = [
        *(f"Suppression {item.id} of {item.owner} expired on {item.expires}." for item in posture.expired),
        *(f"Suppression {item.id} of {item.owner} hides nothing: remove it." for item in posture.unused),
        *(f"Not readable: {text}" for text in posture.unreadable),
    ]
    if lines:
        yield "<h2>Besides</h2>"
        yield f'<div class="card"><ul class="plain">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul></div>'
    yield "<footer>allowlist posture · reads only; nothing in a network was changed</footer>"
