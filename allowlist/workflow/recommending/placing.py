"""Where each sign belongs: which catalog and scenario it speaks for, by what catalogs say themselves or by the tables below."""

from __future__ import annotations

import re
from typing import Final

from allowlist.azure.facts import private_link

RESOURCES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "microsoft.cognitiveservices/accounts": (("azure-ai-services", ""),),
    "microsoft.cognitiveservices/accounts/projects": (("foundry-agents", ""),),
    "microsoft.cognitiveservices/accounts/capabilityhosts": (("foundry-agents", ""),),
    "microsoft.cognitiveservices/accounts/projects/capabilityhosts": (("foundry-agents", ""),),
    "microsoft.cognitiveservices/accounts/managednetworks": (("foundry-account", ""),),
    "microsoft.machinelearningservices/workspaces": (("azure-machine-learning", ""),),
    "microsoft.machinelearningservices/workspaces/computes": (("azure-machine-learning", "compute"),),
    "microsoft.machinelearningservices/workspaces/onlineendpoints": (("azure-machine-learning", "images"),),
    "microsoft.machinelearningservices/registries": (("azure-machine-learning", "registry"),),
    "microsoft.app/managedenvironments": (("azure-container-apps", ""),),
    "microsoft.app/containerapps": (("azure-container-apps", ""),),
    "microsoft.app/jobs": (("azure-container-apps", ""),),
    "microsoft.app/sessionpools": (("azure-container-apps", ""),),
    "microsoft.containerregistry/registries": (("azure-container-registry", ""),),
    "microsoft.containerregistry/registries/agentpools": (("azure-container-registry", "field"),),
    "microsoft.containerservice/managedclusters": (("aks", ""),),
    "microsoft.kubernetes/connectedclusters": (("arc-kubernetes", ""),),
    "microsoft.search/searchservices": (("azure-ai-search", ""),),
    "microsoft.keyvault/vaults": (("azure-key-vault", ""),),
    "microsoft.storage/storageaccounts": (("azure-storage", ""),),
    "microsoft.documentdb/databaseaccounts": (("cosmos-db", ""),),
    "microsoft.apimanagement/service": (("api-management", ""),),
    "microsoft.insights/components": (("azure-monitor", ""),),
    "microsoft.operationalinsights/workspaces": (("azure-monitor", ""),),
    "microsoft.insights/datacollectionendpoints": (("azure-monitor", "logs-ingestion"),),
    "microsoft.monitor/accounts": (("azure-monitor", ""),),
    "microsoft.network/applicationgateways": (("application-gateway", ""),),
    "microsoft.network/azurefirewalls": (("azure-firewall", ""),),
    "microsoft.network/bastionhosts": (("developer-jumpbox", "bastion"),),
    "microsoft.network/dnsresolvers": (("dns-private-resolver", ""),),
    "microsoft.cdn/profiles": (("azure-front-door", ""),),
    "microsoft.web/sites": (("azure-functions", "field"),),
    "microsoft.botservice/botservices": (("bot-service", ""),),
    "microsoft.databricks/workspaces": (("databricks", "field"),),
    "microsoft.fabric/capacities": (("fabric", ""),),
    "microsoft.devcenter/projects": (("dev-box", ""),),
    "microsoft.appconfiguration/configurationstores": (("azure-app-configuration", "field"),),
}
"""By ARM type in lower case: catalogs, each with a scenario besides the default ones, or none."""

TERRAFORM: Final = {
    "azurerm_cognitive_account": "microsoft.cognitiveservices/accounts",
    "azurerm_cognitive_deployment": "microsoft.cognitiveservices/accounts",
    "azurerm_cognitive_account_project": "microsoft.cognitiveservices/accounts/projects",
    "azurerm_ai_services": "microsoft.cognitiveservices/accounts",
    "azurerm_ai_foundry": "hub",
    "azurerm_ai_foundry_project": "hub",
    "azurerm_machine_learning_workspace": "microsoft.machinelearningservices/workspaces",
    "azurerm_machine_learning_compute_cluster": "microsoft.machinelearningservices/workspaces/computes",
    "azurerm_machine_learning_compute_instance": "microsoft.machinelearningservices/workspaces/computes",
    "azurerm_container_app_environment": "microsoft.app/managedenvironments",
    "azurerm_container_app": "microsoft.app/containerapps",
    "azurerm_container_app_job": "microsoft.app/jobs",
    "azurerm_container_registry": "microsoft.containerregistry/registries",
    "azurerm_container_registry_agent_pool": "microsoft.containerregistry/registries/agentpools",
    "azurerm_kubernetes_cluster": "microsoft.containerservice/managedclusters",
    "azurerm_arc_kubernetes_cluster": "microsoft.kubernetes/connectedclusters",
    "azurerm_search_service": "microsoft.search/searchservices",
    "azurerm_key_vault": "microsoft.keyvault/vaults",
    "azurerm_storage_account": "microsoft.storage/storageaccounts",
    "azurerm_cosmosdb_account": "microsoft.documentdb/databaseaccounts",
    "azurerm_api_management": "microsoft.apimanagement/service",
    "azurerm_application_insights": "microsoft.insights/components",
    "azurerm_log_analytics_workspace": "microsoft.operationalinsights/workspaces",
    "azurerm_monitor_workspace": "microsoft.monitor/accounts",
    "azurerm_monitor_data_collection_endpoint": "microsoft.insights/datacollectionendpoints",
    "azurerm_application_gateway": "microsoft.network/applicationgateways",
    "azurerm_firewall": "microsoft.network/azurefirewalls",
    "azurerm_bastion_host": "microsoft.network/bastionhosts",
    "azurerm_private_dns_resolver": "microsoft.network/dnsresolvers",
    "azurerm_cdn_frontdoor_profile": "microsoft.cdn/profiles",
    "azurerm_linux_function_app": "microsoft.web/sites",
    "azurerm_windows_function_app": "microsoft.web/sites",
    "azurerm_function_app_flex_consumption": "microsoft.web/sites",
    "azurerm_bot_service_azure_bot": "microsoft.botservice/botservices",
    "azurerm_databricks_workspace": "microsoft.databricks/workspaces",
    "azurerm_fabric_capacity": "microsoft.fabric/capacities",
    "azurerm_dev_center_project": "microsoft.devcenter/projects",
    "azurerm_postgresql_flexible_server": "microsoft.dbforpostgresql/flexibleservers",
    "azurerm_mysql_flexible_server": "microsoft.dbformysql/flexibleservers",
    "azurerm_mssql_server": "microsoft.sql/servers",
    "azurerm_redis_cache": "microsoft.cache/redis",
    "azurerm_servicebus_namespace": "microsoft.servicebus/namespaces",
    "azurerm_eventhub_namespace": "microsoft.eventhub/namespaces",
    "azurerm_app_configuration": "microsoft.appconfiguration/configurationstores",
}

_PORTS: Final = {
    "microsoft.dbforpostgresql/flexibleservers": "tcp:5432",
    "microsoft.dbformysql/flexibleservers": "tcp:3306",
    "microsoft.sql/servers": "mssql:1433",
    "microsoft.cache/redis": "tcp:6380",
    "microsoft.servicebus/namespaces": "tcp:5671",
    "microsoft.eventhub/namespaces": "tcp:5671",
}
"""Where clients connect, but for HTTPS (AMQP for the brokers, which can be told to use WebSockets)."""

QUIET: Final = re.compile(
    r"microsoft\.(authorization|managedidentity|resources|network/(virtualnetworks|networksecurity|privateendpoints|privatednszones|"
    r"routetables|publicip|networkinterfaces|firewallpolicies|networkwatchers|ipgroups|natgateways|loadbalancers)|insights/(diagnostic|"
    r"metricalerts|actiongroups|webtests|workbooks|autoscale|datacollectionrule)|portal|policyinsights|security|web/staticsites|alertsmanagement|operationsmanagement|web/serverfarms|"
    r"compute|app/environments$|insights/privatelinkscopes|web/hostingenvironments|databricks/accessconnectors|keyvault/vaults/|storage/storageaccounts/|search/searchservices/|documentdb/databaseaccounts/|cognitiveservices/accounts/|"
    r"machinelearningservices/workspaces/|apimanagement/service/|app/managedenvironments/|containerregistry/registries/|web/sites/|"
    r"operationalinsights/workspaces/|eventgrid|servicebus/namespaces/|eventhub/namespaces/|botservice/botservices/|containerservice/managedclusters/|"
    r"maintenance|recoveryservices|consumption|costmanagement|billing|subscription|management)"
)
"""Types that need no egress of their own, or belong to a resource that is counted already."""

QUIET_TERRAFORM: Final = re.compile(
    r"azapi_|azurerm_(role_|resource_|client_config|subscription|user_assigned|subnet|virtual_network|network_|private_|public_ip|"
    r"route|nat_gateway|firewall_|ip_group|monitor_(diagnostic|metric|activity|action|autoscale|data_collection_rule|alert|scheduled)|federated_|static_web|static_site|key_vault_|storage_|cosmosdb_|"
    r"log_analytics_|application_insights_|api_management_|container_registry_|cognitive_account_|search_|machine_learning_|"
    r"management_lock|service_plan|policy_|security_|bot_channel|linux_virtual|windows_virtual|virtual_machine|managed_disk|"
    r"local_network|dns_|container_app_|kubernetes_|app_configuration_|eventgrid_|servicebus_(queue|topic|subscription)|"
    r"eventhub_|databricks_|cdn_frontdoor_|web_application_firewall|bastion_|lb)"
)
"""As :data:`QUIET`, by the names of Terraform."""

_PACKAGES: Final = (
    (
        r"^(npm:)?@?azure[-/]?ai[-/]?(projects|agents)$|^import:azure\.ai\.(projects|agents)",
        "foundry-agents",
        "tools",
    ),
    (
        r"^azure-search-documents$|^npm:@azure/search-documents$|^import:azure\.search|^nuget:azure\.search\.documents$",
        "azure-ai-search",
        "",
    ),
    (r"^azure-ai-ml$|^azureml-|^import:azure\.ai\.ml|^import:azureml", "azure-machine-learning", "hosts"),
    (
        r"^azure-cognitiveservices-speech$|^import:azure\.cognitiveservices\.speech|^npm:microsoft-cognitiveservices-speech-sdk$",
        "azure-speech",
        "",
    ),
    (r"^azure-ai-translation|^import:azure\.ai\.translation", "azure-translator", ""),
    (
        r"^(azure-ai-(documentintelligence|contentsafety|textanalytics|vision.*|formrecognizer|language.*)|import:azure\.ai\.(document|content|text|vision|form|language).*)$",
        "azure-ai-services",
        "",
    ),
    (
        r"^azure-cosmos$|^npm:@azure/cosmos$|^import:azure\.cosmos|^nuget:microsoft\.azure\.cosmos$",
        "cosmos-db",
        "",
    ),
    (
        r"^azure-storage-|^npm:@azure/storage|^import:azure\.storage|^nuget:azure\.storage\.",
        "azure-storage",
        "",
    ),
    (
        r"^azure-keyvault-|^npm:@azure/keyvault|^import:azure\.keyvault|^nuget:azure\.security\.keyvault",
        "azure-key-vault",
        "",
    ),
    (
        r"^(azure-monitor-|opencensus-ext-azure)|^npm:(applicationinsights|@azure/monitor)|^import:azure\.monitor|^nuget:(microsoft\.applicationinsights|azure\.monitor)",
        "azure-monitor",
        "",
    ),
    (
        r"^azure-identity$|^npm:@azure/(identity|msal)|^msal$|^import:(azure\.identity|msal)|^nuget:(azure\.identity|microsoft\.identity)",
        "entra-and-arm",
        "",
    ),
    (r"^(azure-mgmt-|npm:@azure/arm-|import:azure\.mgmt)|^nuget:azure\.resourcemanager", "entra-and-arm", ""),
    (
        r"^(botbuilder|botframework)|^microsoft-agents|^npm:(botbuilder|@microsoft/agents)|^import:(botbuilder|botframework|microsoft_agents)|^nuget:microsoft\.(bot|agents(?!\.ai\b))\.",
        "bot-service",
        "",
    ),
    (
        r"^(transformers|huggingface-hub|datasets|diffusers|sentence-transformers|accelerate|peft|npm:@huggingface/.*|import:(transformers|huggingface_hub|datasets|diffusers|sentence_transformers))$",
        "hugging-face",
        "",
    ),
    (r"^(langsmith|import:langsmith|npm:langsmith)$", "langsmith", ""),
    (r"^(ollama|import:ollama|npm:ollama)$", "ollama", "field"),
    (r"^azure-cli$", "azure-cli", "core"),
)
"""By package, import or tool: what of a service it uses."""

_COMPILED: Final = tuple((re.compile(pattern), catalog, scenario) for pattern, catalog, scenario in _PACKAGES)

IMPORTED_AS: Final = {
    "sklearn": "scikit-learn",
    "haystack": "haystack-ai",
    "mem0": "mem0ai",
    "pydantic_ai": "pydantic-ai-slim",
    "guardrails": "guardrails-ai",
    "presidio_analyzer": "presidio-analyzer",
    "chromadb": "chromadb",
    "qdrant_client": "qdrant-client",
    "weaviate": "weaviate-client",
    "great_expectations": "great-expectations",
    "llama_index": "llama-index-core",
    "autogen_ext": "autogen-ext",
    "semantic_kernel": "semantic-kernel",
    "agent_framework": "agent-framework-core",
    "comet_ml": "comet-ml",
    "browser_use": "browser-use",
    "langchain_openai": "langchain-openai",
}
"""Where a module is called otherwise than its package; the rest are the same but for underlines and dots."""


def catalogs_of_package(name: str) -> list[tuple[str, str]]:
    return [(catalog, scenario) for pattern, catalog, scenario in _COMPILED if pattern.search(name)]


def package_of_import(module: str, known: frozenset[str]) -> str | None:
    """The package that an import names, if it is one that catalogs know: ``azure.ai.ml`` is ``azure-ai-ml``."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = IMPORTED_AS.get("_".join(parts[:length])) or "-".join(parts[:length]).replace("_", "-").lower()
        if name in known:
            return name
    return None


def resources_of(value: str) -> tuple[tuple[str, str], ...] | None:
    """What a resource speaks for; empty for one that needs nothing of its own, None for one that nothing is known of."""
    if value.startswith("avm:"):
        return _of_module(value.removeprefix("avm:"))
    if value.startswith("az"):
        found = TERRAFORM.get(value)
        if found == "hub":
            return (("foundry-hub", ""),)
        if found is None:
            return () if QUIET_TERRAFORM.match(value) else None
        return RESOURCES.get(found)
    low = value.lower()
    if low in RESOURCES:
        return RESOURCES[low]
    return () if QUIET.match(low) or low.count("/") > 1 else None


def names_of(value: str) -> str:
    """By which name and port a resource of ``value``'s type is reached, as Private Link tells; empty where that is not known."""
    kind = TERRAFORM.get(value, value.removeprefix("avm:")).lower()
    row = next((row for row in private_link() if row.type == kind), None)
    suffixes = next(iter(row.zones.get("public", {}).values()), ()) if row else ()
    return f"NAME.{suffixes[0]} {_PORTS.get(kind, 'https:443')}" if suffixes else ""


def _of_module(name: str) -> tuple[tuple[str, str], ...]:
    """An Azure Verified Module, such as ``cognitive-services/account`` or ``containerservice-managedcluster``."""
    flat = name.replace("-", "").replace("/", "")
    for arm, found in RESOURCES.items():
        namespace, _, kind = arm.removeprefix("microsoft.").partition("/")
        one = f"{kind[:-3]}y" if kind.endswith("ies") else kind.removesuffix("s")
        if flat == f"{namespace}{one}".replace(".", "").replace("/", ""):
            return found
    return ()
