"""The review screen in a browser: the same command, once per browser page, behind a one-time link."""

from allowlist_tui.web.command import served_command
from allowlist_tui.web.server import DEFAULT_PORT, serve

__all__ = ["DEFAULT_PORT", "serve", "served_command"]
