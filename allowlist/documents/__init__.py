"""Our own files: YAML and JSON with a position for every complaint, canonical JSON, digests.

Canonical JSON and digests are pure and stand here; what reads files is named by its module, so that pure packages
use the digests without reaching a YAML reader.
"""

from allowlist.documents.canonical import canonical_json, digest_of

__all__ = ["canonical_json", "digest_of"]
