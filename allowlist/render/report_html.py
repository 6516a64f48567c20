"""Any report as one HTML file: no outside request, no script, light and dark, printable."""

from __future__ import annotations

from html import escape

from allowlist.render.escape import lines
from allowlist.render.notices import Notice, Report

_STYLE = """
:root{color-scheme:light dark}
body{max-width:1120px;margin:32px auto;padding:0 24px;font:15px/1.5 system-ui,sans-serif}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:6px 10px;border-bottom:1px solid #8884;overflow-wrap:anywhere}
.error{color:#c5362c}.warning{color:#a06a00}.note{color:#7a8699}
"""
_HEADS = ("", "what", "where", "about", "why", "next")


def report_html(report: Report) -> str:
    """Everything that is not fine, the serious first."""
    shown = [notice for notice in report.notices if notice.fate != "passed"]
    rows = "\n".join(_row(notice) for level in ("error", "warning", "note") for notice in shown if notice.level == level)  # fmt: skip
    heads = "".join(f"<th>{head}</th>" for head in _HEADS)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>" if rows else ""
    title = _shown(report.title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{title}</h1><p>{_shown(report.summary)}</p>\n{table}\n</body></html>\n"
    )


def _row(notice: Notice) -> str:
    subject = f"{notice.subject} (accepted: {notice.suppressed})" if notice.suppressed else notice.subject
    cells = (notice.level, notice.rule, notice.target or notice.file, subject, notice.text, notice.remedy)
    return f'<tr class="{notice.level}">' + "".join(f"<td>{_shown(cell)}</td>" for cell in cells) + "</tr>"


def _shown(text: str) -> str:
    return escape(lines(text).encode("utf-8", "replace").decode())
