"""The review as a page in a browser: everybody as oneself, and each sees what the others decide."""

from allowlist_tui.review_page.server import DEFAULT_PORT, ReviewSite, make_app, serve_page

__all__ = ["DEFAULT_PORT", "ReviewSite", "make_app", "serve_page"]
