"""Reports for other tools, by the name of their form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from allowlist.render.annotations import annotations_text
from allowlist.render.junit import junit_text
from allowlist.render.markdown import comment_markdown, summary_markdown
from allowlist.render.notices import Report
from allowlist.render.sarif import sarif_text

RENDERERS: Final[Mapping[str, Callable[[Report], str]]] = {
    "sarif": sarif_text,
    "junit": junit_text,
    "markdown": summary_markdown,
    "comment": comment_markdown,
    "github": annotations_text,
}
