"""The review screen: a Textual app over :mod:`allowlist.workflow`."""
