"""JUnit XML for test views: one suite per target, one case per requirement, gate or target."""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree as ET

from allowlist.render.notices import Notice, Report

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for (https://www.w3.org/TR/xml/#charsets)."""


def junit_text(report: Report) -> str:
    """What is not as it should be fails, what waits for people is skipped."""
    cases = [notice for notice in report.notices if notice.fate]
    root = ET.Element("testsuites", {"name": _visible(report.title), **_counts(cases)})
    for target in dict.fromkeys(notice.target for notice in cases):
        mine = [notice for notice in cases if notice.target == target]
        suite = ET.SubElement(root, "testsuite", {"name": _visible(target or report.name), **_counts(mine)})
        for notice in mine:
            _case(suite, notice, target or report.name)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _counts(cases: list[Notice]) -> dict[str, str]:
    fates = Counter(notice.fate for notice in cases)
    return {
        "tests": str(len(cases)),
        "failures": str(fates["failed"]),
        "skipped": str(fates["waits"]),
        "errors": "0",
    }


def _case(suite: ET.Element, notice: Notice, classname: str) -> None:
    case = ET.SubElement(suite, "testcase", classname=_visible(classname), name=_visible(notice.subject))
    if notice.fate == "failed":
        failure = ET.SubElement(case, "failure", message=_visible(notice.text), type=notice.rule)
        failure.text = _visible(notice.remedy) or None
    elif notice.fate == "waits":
        ET.SubElement(case, "skipped", message=_visible(notice.text))


def _visible(text: str) -> str:
    return _ILLEGAL.sub("?", text)
