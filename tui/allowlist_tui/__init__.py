"""The review screen: a Textual app over :mod:`allowlist.workflow`. No rule of the domain lives here."""
