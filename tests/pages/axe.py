"""Axe, which judges a page by the rules of WCAG 2.2 AA."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.helpers.shared import REPOSITORY

AXE = Path(os.environ.get("ALLOWLIST_AXE") or REPOSITORY / ".make/pages/node_modules/axe-core/axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (390, 820, 1440)


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    page.evaluate(
        "document.querySelectorAll('.change').forEach(item => item.style.contentVisibility = 'visible')"
    )
    result: Any = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [
        f"{item['id']}: {item['help']}: {item['nodes'][0]['html'][:160]}: {item['nodes'][0]['failureSummary'][:200]}"
        for item in result["violations"]
    ]
