"""What destinations other than plain names stand for: private endpoints, service tags, storage accounts.

Only documented equivalences are listed, so that coverage is never claimed where it is a guess.
"""

from __future__ import annotations

from typing import Final

from allowlist.catalog.service_tags import SUB_TAGS
from allowlist.names import Pattern, covers

STORAGE_SERVICES: Final = ("blob", "file", "queue", "table", "dfs", "web")

_ENDPOINT_HOSTS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("microsoft.keyvault/vaults", "vault"): ("{name}.vault.azure.net",),
    ("microsoft.search/searchservices", "searchservice"): ("{name}.search.windows.net",),
    ("microsoft.documentdb/databaseaccounts", "sql"): ("{name}.documents.azure.com",),
    ("microsoft.documentdb/databaseaccounts", "mongodb"): ("{name}.mongo.cosmos.azure.com",),
    ("microsoft.cognitiveservices/accounts", "account"): (
        "{name}.cognitiveservices.azure.com",
        "{name}.openai.azure.com",
        "{name}.services.ai.azure.com",
    ),
    ("microsoft.containerregistry/registries", "registry"): ("{name}.azurecr.io",),
    ("microsoft.sql/servers", "sqlserver"): ("{name}.database.windows.net",),
    ("microsoft.dbformysql/flexibleservers", "mysqlserver"): ("{name}.mysql.database.azure.com",),
    ("microsoft.dbforpostgresql/flexibleservers", "postgresqlserver"): (
        "{name}.postgres.database.azure.com",
    ),
    ("microsoft.eventhub/namespaces", "namespace"): ("{name}.servicebus.windows.net",),
    ("microsoft.cache/redis", "rediscache"): ("{name}.redis.cache.windows.net",),
    ("microsoft.apimanagement/service", "gateway"): ("{name}.azure-api.net",),
} | {
    ("microsoft.storage/storageaccounts", service): (f"{{name}}.{service}.core.windows.net",)
    for service in STORAGE_SERVICES
}
"""Hosts behind a private endpoint, by resource type and sub-resource (supported targets of managed networks)."""

_SIGN_IN: Final = (
    "login.microsoftonline.com",
    "*.login.microsoftonline.com",
    "*.login.microsoft.com",
    "*.identity.azure.net",
)
_TAG_HOSTS: Final[dict[str, tuple[str, ...]]] = {
    "azureactivedirectory": _SIGN_IN,
    "azureresourcemanager": ("management.azure.com",),
    "microsoftcontainerregistry": ("mcr.microsoft.com", "*.data.mcr.microsoft.com"),
}
"""Names that the documentation offers a service tag as the alternative to."""

MICROSOFT_STORAGE: Final = frozenset({"vscode.blob.core.windows.net"})
"""Blob hosts of Microsoft that the managed network pages list as FQDN rules, although they forbid such rules."""

_STORAGE_SUFFIXES: Final = tuple(f".{service}.core.windows.net" for service in STORAGE_SERVICES)


def endpoint_hosts(resource: str, sub_resource: str) -> tuple[str, ...]:
    """The public names that a private endpoint takes the place of; none where they hold parts we cannot know."""
    _, _, tail = resource.lower().rpartition("/providers/")
    parts = tail.split("/")
    if len(parts) < 3:
        return ()
    templates = _ENDPOINT_HOSTS.get((f"{parts[0]}/{parts[1]}", sub_resource.lower()), ())
    return tuple(template.format(name=parts[2]) for template in templates)


def tag_hosts(tag: str) -> tuple[str, ...]:
    """Names documented as members of a service tag, its region suffix taken off."""
    return _TAG_HOSTS.get(base_tag(tag).lower(), ())


def base_tag(tag: str) -> str:
    """The tag without its region: ``MicrosoftContainerRegistry.westus3`` is a part of it, a sub-tag is not."""
    base, dot, rest = tag.partition(".")
    subs = {
        sub.lower() for known, found in SUB_TAGS.items() if known.lower() == base.lower() for sub in found
    }
    return tag if dot and rest.lower() in subs else base


def is_storage(pattern: str) -> bool:
    """Does the pattern name storage accounts? These are reached by private endpoint in approved-only mode."""
    found = Pattern(pattern)
    return any(found.suffix.endswith(suffix) for suffix in _STORAGE_SUFFIXES) or (
        found.is_wildcard and any(covers(found, Pattern(f"*{suffix}")) for suffix in _STORAGE_SUFFIXES)
    )


def is_microsoft_storage(pattern: str) -> bool:
    return pattern in MICROSOFT_STORAGE
