"""Which resource of Terraform is which of ARM, attribute by attribute.

From the schemas and the expand functions of hashicorp/terraform-provider-azurerm 4 (internal/services/firewall,
network, cognitive, machinelearning), read on 2026-11-27.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from allowlist.estate.terraform.blocks import (
    Block,
    Field,
    access,
    alone,
    as_text,
    each,
    joined,
    one,
    reference,
    references,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """An ARM type. ``parent`` is the attribute with the id of the resource above, for which ``type`` is a child.

    ``outer`` are members beside ``properties``.
    """

    type: str
    properties: Block
    parent: str = ""
    outer: Block = field(default_factory=lambda: Block({"location": "location"}))


@dataclass(frozen=True, slots=True)
class Part:
    """A resource of Terraform that is a part of one of ARM: an item of the list ``member`` of a ``holder``.

    ``holder`` is its type where it is named by group and name, else ``parent`` is the attribute with its id.
    """

    member: str
    item: Block
    holder: str = ""
    named: str = ""
    parent: str = ""


_SOURCES = {"source_addresses": "sourceAddresses", "source_ip_groups": "sourceIpGroups"}
_NAMED = {"name": "name", "description": "description", **_SOURCES}
_PROTOCOL = each(Block({"type": "protocolType", "port": "port"}))

_APPLICATION_RULE = Block(
    {
        **_NAMED,
        "protocols": Field("protocols", _PROTOCOL),
        "destination_addresses": "destinationAddresses",
        "destination_fqdns": "targetFqdns",
        "destination_urls": "targetUrls",
        "destination_fqdn_tags": "fqdnTags",
        "web_categories": "webCategories",
        "terminate_tls": "terminateTLS",
        "http_headers": Field(
            "httpHeadersToInsert", each(Block({"name": "headerName", "value": "headerValue"}))
        ),
    },
    {"ruleType": "ApplicationRule"},
)
_NETWORK_DESTINATIONS = {
    "destination_addresses": "destinationAddresses",
    "destination_ip_groups": "destinationIpGroups",
    "destination_fqdns": "destinationFqdns",
    "destination_ports": "destinationPorts",
}
_NETWORK_RULE = Block(
    {**_NAMED, **_NETWORK_DESTINATIONS, "protocols": "ipProtocols"}, {"ruleType": "NetworkRule"}
)
_TRANSLATED: Mapping[str, str | Field] = {
    "translated_address": "translatedAddress",
    "translated_fqdn": "translatedFqdn",
    "translated_port": Field("translatedPort", as_text),
}
_NAT_RULE = Block(
    {
        **_NAMED,
        **_TRANSLATED,
        "destination_address": Field("destinationAddresses", alone),
        "destination_ports": "destinationPorts",
        "protocols": "ipProtocols",
    },
    {"ruleType": "NatRule"},
)


def _collection(rule: Block, kind: str) -> Field:
    collection = Block(
        {
            "name": "name",
            "priority": "priority",
            "action": "action/type",
            "rule": Field("rules", each(rule)),
        },
        {"ruleCollectionType": kind},
    )
    return Field("ruleCollections", each(collection))


_FILTER, _NAT = "FirewallPolicyFilterRuleCollection", "FirewallPolicyNatRuleCollection"
_GROUP = Block(
    {
        "priority": "priority",
        "application_rule_collection": _collection(_APPLICATION_RULE, _FILTER),
        "network_rule_collection": _collection(_NETWORK_RULE, _FILTER),
        "nat_rule_collection": _collection(_NAT_RULE, _NAT),
    }
)
_POLICY = Block(
    {
        "sku": "sku/tier",
        "base_policy_id": Field("basePolicy", reference),
        "threat_intelligence_mode": "threatIntelMode",
        "threat_intelligence_allowlist": Field(
            "threatIntelWhitelist", one(Block({"ip_addresses": "ipAddresses", "fqdns": "fqdns"}))
        ),
        "dns": Field("dnsSettings", one(Block({"servers": "servers", "proxy_enabled": "enableProxy"}))),
        "explicit_proxy": Field(
            "explicitProxy",
            one(
                Block({"enabled": "enableExplicitProxy", "http_port": "httpPort", "https_port": "httpsPort"})
            ),
        ),
        "intrusion_detection": Field("intrusionDetection", one(Block({"mode": "mode"}))),
        "tls_certificate": Field(
            "transportSecurity/certificateAuthority",
            one(Block({"name": "name", "key_vault_secret_id": "keyVaultSecretId"})),
        ),
        "sql_redirect_allowed": "sql/allowSqlRedirect",
        "private_ip_ranges": "snat/privateRanges",
        "rule_collection_groups": Field("ruleCollectionGroups", references),
    }
)
_FIREWALL = Block(
    {
        "sku_name": "sku/name",
        "sku_tier": "sku/tier",
        "firewall_policy_id": Field("firewallPolicy", reference),
        "threat_intel_mode": "threatIntelMode",
        "dns_servers": Field("additionalProperties/Network.DNS.Servers", joined),
        "dns_proxy_enabled": Field("additionalProperties/Network.DNS.EnableProxy", as_text),
        "virtual_hub": Field("virtualHub", one(Block({"virtual_hub_id": "id"}))),
        "ip_configuration": Field(
            "ipConfigurations",
            each(
                Block(
                    {
                        "name": "name",
                        "subnet_id": Field("properties/subnet", reference),
                        "public_ip_address_id": Field("properties/publicIPAddress", reference),
                        "private_ip_address": "properties/privateIPAddress",
                    }
                )
            ),
        ),
    }
)
_ACCESS_LISTS = Field("networkAcls", one(Block({"default_action": "defaultAction", "bypass": "bypass"})))
_ACCOUNT: Mapping[str, str | Field] = {
    "fqdns": "allowedFqdnList",
    "outbound_network_access_restricted": "restrictOutboundNetworkAccess",
    "custom_subdomain_name": "customSubDomainName",
    "network_acls": _ACCESS_LISTS,
    "public_network_access": "publicNetworkAccess",
    "public_network_access_enabled": Field("publicNetworkAccess", access),
    "network_injection": Field(
        "networkInjections", each(Block({"scenario": "scenario", "subnet_id": "subnetArmId"}))
    ),
}
_WORKSPACE: Mapping[str, str | Field] = {
    "managed_network": Field("managedNetwork", one(Block({"isolation_mode": "isolationMode"}))),
    "public_network_access": "publicNetworkAccess",
    "public_network_access_enabled": Field("publicNetworkAccess", access),
    "ai_services_hub_id": "hubResourceId",
    "storage_account_id": "storageAccount",
    "key_vault_id": "keyVault",
    "container_registry_id": "containerRegistry",
}
_CONNECTION = Block(
    {
        "name": "name",
        "private_connection_resource_id": "properties/privateLinkServiceId",
        "subresource_names": "properties/groupIds",
    }
)
_ENDPOINT = Block(
    {
        "subnet_id": Field("subnet", reference),
        "private_service_connection": Field("privateLinkServiceConnections", each(_CONNECTION)),
        "custom_dns_configs": Field(
            "customDnsConfigs", each(Block({"fqdn": "fqdn", "ip_addresses": "ipAddresses"}))
        ),
    }
)

_WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
_ACCOUNTS = "Microsoft.CognitiveServices/accounts"
FIREWALLS: Final = "Microsoft.Network/azureFirewalls"


def _of_kind(kind: str) -> Block:
    return Block({"location": "location"}, {"kind": kind})


def _outbound(kind: str, **fields: str) -> Kind:
    constants = {"type": kind, "category": "UserDefined"}
    return Kind(f"{_WORKSPACES}/outboundRules", Block(fields, constants), parent="workspace_id")


_KIND_GIVEN = Block({"location": "location", "kind": "kind"})

KINDS: Final[Mapping[str, Kind]] = {
    "azurerm_firewall_policy": Kind("Microsoft.Network/firewallPolicies", _POLICY),
    "azurerm_firewall_policy_rule_collection_group": Kind(
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups", _GROUP, parent="firewall_policy_id"
    ),
    "azurerm_firewall": Kind(FIREWALLS, _FIREWALL),
    "azurerm_ip_group": Kind("Microsoft.Network/ipGroups", Block({"cidrs": "ipAddresses"})),
    "azurerm_cognitive_account": Kind(_ACCOUNTS, Block(_ACCOUNT), outer=_KIND_GIVEN),
    "azurerm_ai_services": Kind(_ACCOUNTS, Block(_ACCOUNT), outer=_of_kind("AIServices")),
    "azurerm_machine_learning_workspace": Kind(_WORKSPACES, Block(_WORKSPACE), outer=_KIND_GIVEN),
    "azurerm_ai_foundry": Kind(_WORKSPACES, Block(_WORKSPACE), outer=_of_kind("Hub")),
    "azurerm_ai_foundry_project": Kind(_WORKSPACES, Block(_WORKSPACE), outer=_of_kind("Project")),
    "azurerm_machine_learning_workspace_network_outbound_rule_fqdn": _outbound(
        "FQDN", destination_fqdn="destination"
    ),
    "azurerm_machine_learning_workspace_network_outbound_rule_service_tag": _outbound(
        "ServiceTag",
        service_tag="destination/serviceTag",
        protocol="destination/protocol",
        port_ranges="destination/portRanges",
    ),
    "azurerm_machine_learning_workspace_network_outbound_rule_private_endpoint": _outbound(
        "PrivateEndpoint",
        service_resource_id="destination/serviceResourceId",
        sub_resource_target="destination/subresourceTarget",
        spark_enabled="destination/sparkEnabled",
    ),
    "azurerm_private_endpoint": Kind("Microsoft.Network/privateEndpoints", _ENDPOINT),
}
"""Resources that are resources of ARM too, by their type in Terraform."""


def _classic(rule: Block) -> Block:
    return Block(
        {
            "name": "name",
            "priority": "properties/priority",
            "action": "properties/action/type",
            "rule": Field("properties/rules", each(rule)),
        }
    )


def _collection_of(member: str, rule: Block) -> Part:
    return Part(member, _classic(rule), holder=FIREWALLS, named="azure_firewall_name")


PARTS: Final[Mapping[str, Part]] = {
    "azurerm_firewall_application_rule_collection": _collection_of(
        "applicationRuleCollections",
        Block(
            {
                **_NAMED,
                "fqdn_tags": "fqdnTags",
                "target_fqdns": "targetFqdns",
                "protocol": Field("protocols", _PROTOCOL),
            }
        ),
    ),
    "azurerm_firewall_network_rule_collection": _collection_of(
        "networkRuleCollections", Block({**_NAMED, **_NETWORK_DESTINATIONS, "protocols": "protocols"})
    ),
    "azurerm_firewall_nat_rule_collection": _collection_of(
        "natRuleCollections",
        Block(
            {
                **_NAMED,
                **_TRANSLATED,
                "destination_addresses": "destinationAddresses",
                "destination_ports": "destinationPorts",
                "protocols": "protocols",
            }
        ),
    ),
    "azurerm_ip_group_cidr": Part("ipAddresses", Block({"cidr": "name"}), parent="ip_group_id"),
}
"""Resources that are parts of one of ARM, by their type in Terraform."""

MAY_HOLD_MORE: Final = frozenset({FIREWALLS.lower(), _WORKSPACES.lower(), "microsoft.network/ipgroups"})
"""Types whose parts Terraform shows only where it manages them itself."""


_TAKES: Final[Mapping[str, str]] = {
    "firewall_policy_id": "microsoft.network/firewallpolicies",
    "base_policy_id": "microsoft.network/firewallpolicies",
    "source_ip_groups": "microsoft.network/ipgroups",
    "destination_ip_groups": "microsoft.network/ipgroups",
    "ip_group_id": "microsoft.network/ipgroups",
    "workspace_id": _WORKSPACES.lower(),
    "ai_services_hub_id": _WORKSPACES.lower(),
}


def may_stand_at(attribute: str, type_: str, kind: Kind | None) -> bool:
    """May the id of a resource of the ARM type ``type_`` be the value of an attribute?

    Resource groups and subscriptions, whose types begin with ``/``, are parents and nothing else.
    """
    if attribute in _TAKES:
        return type_ == _TAKES[attribute]
    if kind is not None and attribute == kind.parent:
        above = kind.type.lower().rpartition("/")[0]
        return type_ == above if "/" in above else type_.startswith("/")
    return not type_.startswith("/")


def governed(type_: str) -> frozenset[str]:
    """Members that whoever writes a resource of this ARM type from Terraform writes whole."""
    found: set[str] = set()
    for kind in KINDS.values():
        if kind.type.lower() == type_:
            found |= kind.properties.governs
    return frozenset(found - {"managedNetwork", "ruleCollectionGroups"})


def plain(values: Any) -> Any:
    """An IP group's range is a text, not an object."""
    return values.get("name") if isinstance(values, Mapping) and set(values) == {"name"} else values
