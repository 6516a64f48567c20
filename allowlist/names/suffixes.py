"""What stands behind a suffix: registrable domains, look-alikes, and suffixes anybody can get a name under."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from allowlist.names.pattern import Pattern, ancestors, covers


@dataclass(frozen=True, slots=True)
class SharedSuffix:
    """A suffix under which any customer of the service can create a name, so a wildcard reaches strangers."""

    suffix: str
    service: str
    risk: str
    alternative: str


_BLOB = "anyone can create a storage account and receive data there"
_SITE = "anyone can publish a site under this suffix and receive data there"
_ACCOUNT = "anyone can create an account under this suffix and receive data there"

# Suffixes of customer-named endpoints: Azure documentation "Private endpoint private DNS zone values".
_SHARED = (
    (
        "blob.core.windows.net",
        "Blob Storage",
        _BLOB,
        "{storage}.blob.core.windows.net, or a private endpoint",
    ),
    (
        "dfs.core.windows.net",
        "Data Lake Storage",
        _BLOB,
        "{storage}.dfs.core.windows.net, or a private endpoint",
    ),
    ("file.core.windows.net", "Azure Files", _BLOB, "{storage}.file.core.windows.net, or a private endpoint"),
    (
        "queue.core.windows.net",
        "Queue Storage",
        _BLOB,
        "{storage}.queue.core.windows.net, or a private endpoint",
    ),
    (
        "table.core.windows.net",
        "Table Storage",
        _BLOB,
        "{storage}.table.core.windows.net, or a private endpoint",
    ),
    ("web.core.windows.net", "Static websites", _SITE, "the site's full name"),
    ("core.windows.net", "Azure Storage and SQL", _BLOB, "the account's full name, or a private endpoint"),
    (
        "blob.core.usgovcloudapi.net",
        "Blob Storage (US Government)",
        _BLOB,
        "{storage}.blob.core.usgovcloudapi.net",
    ),
    ("blob.core.chinacloudapi.cn", "Blob Storage (China)", _BLOB, "{storage}.blob.core.chinacloudapi.cn"),
    (
        "azurecr.io",
        "Container Registry",
        _ACCOUNT,
        "{registry}.azurecr.io and its data endpoint, or a private endpoint",
    ),
    ("vault.azure.net", "Key Vault", _ACCOUNT, "{vault}.vault.azure.net, or a private endpoint"),
    (
        "cognitiveservices.azure.com",
        "Azure AI services",
        _ACCOUNT,
        "{account}.cognitiveservices.azure.com, or a private endpoint",
    ),
    ("openai.azure.com", "Azure OpenAI", _ACCOUNT, "{account}.openai.azure.com, or a private endpoint"),
    (
        "services.ai.azure.com",
        "Azure AI Foundry",
        _ACCOUNT,
        "{account}.services.ai.azure.com, or a private endpoint",
    ),
    ("search.windows.net", "Azure AI Search", _ACCOUNT, "{search}.search.windows.net, or a private endpoint"),
    ("documents.azure.com", "Cosmos DB", _ACCOUNT, "the account's full name, or a private endpoint"),
    ("database.windows.net", "SQL Database", _ACCOUNT, "the server's full name, or a private endpoint"),
    (
        "servicebus.windows.net",
        "Service Bus and Event Hubs",
        _ACCOUNT,
        "the namespace's full name, or a private endpoint",
    ),
    ("azurewebsites.net", "App Service", _SITE, "the site's full name"),
    ("azurecontainerapps.io", "Container Apps", _SITE, "the environment's own suffix"),
    ("azure-api.net", "API Management", _SITE, "{apim}.azure-api.net"),
    ("azurefd.net", "Front Door", _SITE, "the endpoint's full name"),
    ("azureedge.net", "Azure CDN", _SITE, "the endpoint's full name"),
    ("trafficmanager.net", "Traffic Manager", _SITE, "the profile's full name"),
    ("cloudapp.azure.com", "public address names", _SITE, "the machine's full name"),
    ("cloudapp.net", "Cloud Services", _SITE, "the service's full name"),
    ("inference.ml.azure.com", "online endpoints", _ACCOUNT, "{endpoint}.{region}.inference.ml.azure.com"),
    ("amazonaws.com", "Amazon Web Services", _BLOB, "the bucket's or service's full name"),
    ("googleapis.com", "Google Cloud", _BLOB, "the one API's full name"),
    ("cloudfront.net", "Amazon CloudFront", _SITE, "the distribution's full name"),
    ("github.io", "GitHub Pages", _SITE, "the site's full name"),
    (
        "githubusercontent.com",
        "files of GitHub users",
        "anyone can serve files from here",
        "raw.githubusercontent.com, if that is all",
    ),
    ("ngrok.io", "tunnels", "a tunnel into any machine", "none: do not allow tunnels"),
    ("workers.dev", "Cloudflare Workers", _SITE, "the worker's full name"),
)
_BY_PATTERN = {f"*.{suffix}": SharedSuffix(suffix, *rest) for suffix, *rest in _SHARED}


def shared_suffix_of(pattern: Pattern) -> SharedSuffix | None:
    """The multi-tenant suffix that ``pattern`` opens as a whole, if it does; an exact name never does.

    >>> shared_suffix_of(Pattern("*.westeurope.azurecr.io")).service
    'Container Registry'
    >>> shared_suffix_of(Pattern("myregistry.azurecr.io"))
    """
    if not pattern.is_wildcard:
        return None
    whole = next((shared for text, shared in _BY_PATTERN.items() if covers(pattern, Pattern(text))), None)
    return whole or next(
        (_BY_PATTERN[text] for text in ancestors(pattern.text) if _regional(pattern, text)), None
    )


def _regional(pattern: Pattern, text: str) -> bool:
    """``*.westeurope.azurecr.io`` is still shared: only the region stands between asterisk and suffix."""
    shared = _BY_PATTERN.get(text)
    if shared is None:
        return False
    between = pattern.suffix.removeprefix(".").removesuffix("." + shared.suffix)
    return between.isalnum()


@lru_cache(maxsize=1)
def _public_suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(only_icann=True)


# Top-level domains without public suffixes below them; asking the list would cost more than the rest of a plan.
_FLAT = frozenset({"com", "net", "dev", "azure", "microsoft", "windows"})


def registrable_domain(name: str) -> str | None:
    """The part of ``name`` somebody registered (``contoso.co.uk``); None for a public suffix itself.

    Uses the ICANN part of the public suffix list in the version installed; nothing is fetched.
    """
    labels = name.split(".")
    if labels[-1] in _FLAT:
        return ".".join(labels[-2:]) if len(labels) > 1 else None
    found: str | None = _public_suffixes().privatesuffix(name)
    return found


def is_lookalike(pattern: Pattern) -> bool:
    """``*contoso.com``: an asterisk without a dot also matches names that merely end alike."""
    return pattern.is_wildcard and bool(pattern.suffix) and not pattern.suffix.startswith(".")


def lookalike_witness(pattern: Pattern) -> str | None:
    """A name a stranger could register and that ``pattern`` would let through; None if it is no look-alike."""
    if not is_lookalike(pattern):
        return None
    return "x" + pattern.suffix


def is_wider_than_registrable(pattern: Pattern) -> bool:
    """Does the wildcard stand above a registrable domain (``*.com``, ``*.co.uk``, ``*``)?"""
    if not pattern.is_wildcard:
        return False
    suffix = pattern.suffix.removeprefix(".")
    return not suffix or registrable_domain(suffix) is None
