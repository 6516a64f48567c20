"""Target URL patterns of Premium application rules (Azure Firewall FAQ).

An asterisk stands left-most or right-most, never inside the host. ``www.contoso.com/test`` also matches
``/test/`` and ``/test?with_query=1``; ``www.contoso.com/test/*`` does not match ``/test``.
"""

from __future__ import annotations

from allowlist.names import Pattern, normalise


def host_of_url(pattern: str) -> str:
    """The host of a target URL as a name or pattern; ``*`` where it is for every host."""
    return normalise(pattern.removeprefix("https://").removeprefix("http://").partition("/")[0])


def matches_url(pattern: str, host: str, path: str | None) -> bool | None:
    """Does the pattern, which has no fault, match? None when that depends on a path that is not known."""
    wanted_host, slash, wanted_path = pattern.removeprefix("https://").removeprefix("http://").partition("/")
    if wanted_host == "*" and not slash:
        return True
    if not Pattern(normalise(wanted_host)).matches(host):
        return False
    if slash and wanted_path == "*":
        return True
    return None if path is None else _matches_path(slash + wanted_path, path)


def _matches_path(wanted: str, path: str) -> bool:
    if wanted.endswith("*"):
        return path.startswith(wanted[:-1])
    return path.split("?", 1)[0].rstrip("/") == wanted.rstrip("/")


def find_url_fault(pattern: str) -> str | None:
    """Why the service does not take this target URL; None if it does."""
    host, _, path = pattern.removeprefix("https://").removeprefix("http://").partition("/")
    if ":" in host:
        return f"'{pattern}' names a port; target URLs take none"
    if "?" in path:
        return f"'{pattern}' holds a query; target URLs take none"
    if "*" in host[1:]:
        return f"'{pattern}' has an asterisk inside the host"
    if "*" in path[:-1]:
        return f"'{pattern}' has an asterisk inside the path"
    return None
