"""Every form in which findings are printed: one list for all commands that print any.

``text`` and ``json`` are a command's own (its words, its schema); the others are made from a
:class:`~allowlist.render.notices.Report`, the same way whatever was looked at. Each is loaded when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from allowlist.render.notices import Report


def _sarif(report: Report) -> str:
    from allowlist.render.sarif import sarif_text

    return sarif_text(report)


def _junit(report: Report) -> str:
    from allowlist.render.junit import junit_text

    return junit_text(report)


def _markdown(report: Report) -> str:
    from allowlist.render.markdown import summary_markdown

    return summary_markdown(report)


def _comment(report: Report) -> str:
    from allowlist.render.markdown import comment_markdown

    return comment_markdown(report)


def _github(report: Report) -> str:
    from allowlist.render.annotations import annotations_text

    return annotations_text(report)


def _html(report: Report) -> str:
    from allowlist.render.report_html import report_html

    return report_html(report)


REPORTS: Final[Mapping[str, Callable[[Report], str]]] = {
    "sarif": _sarif,
    "junit": _junit,
    "markdown": _markdown,
    "comment": _comment,
    "github": _github,
    "html": _html,
}

FORMATS: Final = ("text", "json", *REPORTS)
