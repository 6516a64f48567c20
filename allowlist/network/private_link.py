"""What a private endpoint serves: resource types, sub-resources, private DNS zones and public names, per cloud.

Rows are facts of the page "Azure Private Endpoint private DNS zone values" (azure-docs, articles/private-link/
private-endpoint-dns.md, commits 42655f0e and 0095ac36); the zone ``privatelink.services.ai.azure.com`` is from the
Foundry page on configuring a private link, read 2026-02-17.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "https://learn.microsoft.com/azure/private-link/private-endpoint-dns"


@dataclass(frozen=True, slots=True)
class Zone:
    """A private DNS zone and the public suffixes whose names it answers for."""

    name: str
    suffixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkedService:
    """One sub-resource of a resource type in one cloud. ``kinds`` narrows it to kinds of account, where given."""

    type: str
    group: str
    cloud: str
    zones: tuple[Zone, ...]


def _rows(kind: str, group: str, **clouds: tuple[tuple[str, tuple[str, ...]], ...]) -> list[LinkedService]:
    return [
        LinkedService(kind, group, cloud, tuple(Zone(name, suffixes) for name, suffixes in zones))
        for cloud, zones in clouds.items()
    ]


_STORAGE = {"public": "core.windows.net", "usgov": "core.usgovcloudapi.net", "china": "core.chinacloudapi.cn"}


def _storage(group: str) -> list[LinkedService]:
    return [
        LinkedService(
            "microsoft.storage/storageaccounts",
            group,
            cloud,
            (Zone(f"privatelink.{group}.{suffix}", (f"{group}.{suffix}",)),),
        )
        for cloud, suffix in _STORAGE.items()
    ]


def _same(suffix: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A zone that is the public suffix with ``privatelink.`` in front."""
    return ((f"privatelink.{suffix}", (suffix,)),)


_ACCOUNT = "microsoft.cognitiveservices/accounts"
_COSMOS = "microsoft.documentdb/databaseaccounts"

SERVICES: tuple[LinkedService, ...] = (
    *_rows(
        _ACCOUNT,
        "account",
        public=(
            *_same("cognitiveservices.azure.com"),
            *_same("openai.azure.com"),
            *_same("services.ai.azure.com"),
        ),
        usgov=(*_same("cognitiveservices.azure.us"), *_same("openai.azure.us")),
        china=_same("cognitiveservices.azure.cn"),
    ),
    *(row for group in ("blob", "file", "queue", "table", "dfs", "web") for row in _storage(group)),
    *_rows(
        "microsoft.keyvault/vaults",
        "vault",
        public=(("privatelink.vaultcore.azure.net", ("vault.azure.net", "vaultcore.azure.net")),),
        usgov=(
            (
                "privatelink.vaultcore.usgovcloudapi.net",
                ("vault.usgovcloudapi.net", "vaultcore.usgovcloudapi.net"),
            ),
        ),
        china=(("privatelink.vaultcore.azure.cn", ("vault.azure.cn", "vaultcore.azure.cn")),),
    ),
    *_rows(
        "microsoft.search/searchservices",
        "searchservice",
        public=_same("search.windows.net"),
        usgov=_same("search.windows.us"),
    ),
    *_rows(
        "microsoft.containerregistry/registries",
        "registry",
        public=_same("azurecr.io"),
        usgov=_same("azurecr.us"),
        china=_same("azurecr.cn"),
    ),
    *_rows(
        "microsoft.machinelearningservices/workspaces",
        "amlworkspace",
        public=(
            (
                "privatelink.api.azureml.ms",
                ("api.azureml.ms", "inference.ml.azure.com", "instances.azureml.ms"),
            ),
            ("privatelink.notebooks.azure.net", ("notebooks.azure.net", "aznbcontent.net")),
        ),
        usgov=(
            (
                "privatelink.api.ml.azure.us",
                ("api.ml.azure.us", "inference.ml.azure.us", "instances.azureml.us"),
            ),
            ("privatelink.notebooks.usgovcloudapi.net", ("notebooks.usgovcloudapi.net",)),
        ),
        china=(
            (
                "privatelink.api.ml.azure.cn",
                ("api.ml.azure.cn", "inference.ml.azure.cn", "instances.azureml.cn"),
            ),
            ("privatelink.notebooks.chinacloudapi.cn", ("notebooks.chinacloudapi.cn",)),
        ),
    ),
    *_rows(
        _COSMOS,
        "sql",
        public=_same("documents.azure.com"),
        usgov=_same("documents.azure.us"),
        china=_same("documents.azure.cn"),
    ),
    *_rows(
        "microsoft.sql/servers",
        "sqlserver",
        public=_same("database.windows.net"),
        usgov=_same("database.usgovcloudapi.net"),
        china=_same("database.chinacloudapi.cn"),
    ),
    *_rows(
        "microsoft.servicebus/namespaces",
        "namespace",
        public=_same("servicebus.windows.net"),
        usgov=_same("servicebus.usgovcloudapi.net"),
        china=_same("servicebus.chinacloudapi.cn"),
    ),
    *_rows(
        "microsoft.eventhub/namespaces",
        "namespace",
        public=_same("servicebus.windows.net"),
        usgov=_same("servicebus.usgovcloudapi.net"),
        china=_same("servicebus.chinacloudapi.cn"),
    ),
    *_rows(
        "microsoft.web/sites",
        "sites",
        public=_same("azurewebsites.net"),
        usgov=_same("azurewebsites.us"),
        china=_same("chinacloudsites.cn"),
    ),
    *_rows(
        "microsoft.apimanagement/service",
        "gateway",
        public=_same("azure-api.net"),
        usgov=_same("azure-api.us"),
    ),
    *_rows(
        "microsoft.insights/privatelinkscopes",
        "azuremonitor",
        public=(
            *_same("monitor.azure.com"),
            *_same("oms.opinsights.azure.com"),
            *_same("ods.opinsights.azure.com"),
            *_same("agentsvc.azure-automation.net"),
        ),
    ),
)

_BY_KEY = {(row.type, row.group, row.cloud): row for row in SERVICES}
_NAMED_BY_SERVICE = ("microsoft.machinelearningservices/workspaces", "microsoft.insights/privatelinkscopes")


def service_of(resource_type: str, group: str, cloud: str) -> LinkedService | None:
    """The row for a sub-resource; ``blob_secondary`` is the same names as ``blob`` with a suffix of their own."""
    return _BY_KEY.get((resource_type.lower(), group.lower().removesuffix("_secondary"), cloud))


def zones_for(service: LinkedService, kind: str) -> tuple[Zone, ...]:
    """The zones an endpoint needs: an account of kind OpenAI has only OpenAI names, only Foundry has ``services.ai``."""
    if service.type != _ACCOUNT:
        return service.zones
    wanted = {"openai": ("openai",), "aiservices": ("cognitiveservices", "openai", "services.ai")}
    words = wanted.get(kind.lower(), ("cognitiveservices",))
    chosen = tuple(
        zone for zone in service.zones if any(f"privatelink.{word}." in zone.name for word in words)
    )
    return chosen or service.zones


def names_follow_resource(service: LinkedService) -> bool:
    """Is a host name the resource's name in front of a suffix? Workspaces and scopes have names of their own."""
    return service.type not in _NAMED_BY_SERVICE
