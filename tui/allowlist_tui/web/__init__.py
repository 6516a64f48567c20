"""The review screen in a browser: the same command, once per browser page, behind a one-time link."""

from allowlist_tui.web.command import served_command
from allowlist_tui.web.server import serve

__all__ = ["serve", "served_command"]
