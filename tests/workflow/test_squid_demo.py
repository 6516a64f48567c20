"""The demo with Squid where there is none: it says so and what to do, and starts nothing."""

from __future__ import annotations

import pytest

from allowlist.workflow import squid_demo
from tests.helpers.cli import allowlist


def test_without_squid_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squid_demo, "_SBIN", "/nowhere")
    result = allowlist("demo", "--with", "squid")
    assert result.code == 1
    assert "Squid is not installed here" in result.err
    assert "apt-get install squid" in result.err
    assert "Traceback" not in result.err
