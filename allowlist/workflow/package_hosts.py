"""Hosts of the package registries this machine's own clients talk to.

Nowhere in the product stands such a host: companies use mirrors, and pip, npm and apt know theirs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10

_ASK_PIP = (
    "from pip._internal.models.index import PyPI as i;"
    "from pip._internal.configuration import Configuration as C;"
    "c=C(isolated=False);c.load();v=dict(c.items());"
    "u=[x for k,x in v.items() if 'index-url' in str(k)];"
    "print(u[0] if u and isinstance(u[0],str) else i.url, i.file_storage_domain)"
)


def find_package_hosts(environ: Mapping[str, str], apt: Path = Path("/etc/apt")) -> dict[str, str]:
    """Catalog parameters ``python_index``, ``python_files``, ``npm_registry``, ``debian_packages``, as far as known."""
    found = {**_python_hosts(environ), "npm_registry": _npm_host(), "debian_packages": _debian_host(apt)}
    return {name: host for name, host in found.items() if host}


def _python_hosts(environ: Mapping[str, str]) -> dict[str, str]:
    said = _ask([sys.executable, "-c", _ASK_PIP]).split()
    index = _host(environ.get("PIP_INDEX_URL") or (said[0] if said else ""))
    default_files = said[1] if len(said) > 1 else ""
    # A mirror serves index and files from one host; only the public index has a second one.
    is_public = bool(said) and _host(said[0]) == index and not environ.get("PIP_INDEX_URL")
    return {"python_index": index, "python_files": default_files if is_public else index}


def _npm_host() -> str:
    return _host(_ask(["npm", "config", "get", "registry"]).strip()) if shutil.which("npm") else ""


def _debian_host(apt: Path) -> str:
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for file in files:
        if file.is_file():
            hosts = re.findall(
                r"^(?:deb|URIs:)[^\n]*?https?://([^/\s]+)", file.read_text("utf-8", "replace"), re.MULTILINE
            )
            if hosts:
                return str(hosts[0])
    return ""


def _ask(command: list[str]) -> str:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
