"""What is recommended, by code: the sentence people read, the row it belongs to, and the page that says so.

Pages of learn.microsoft.com, read 2026-06; where a page is known by commit the snapshot's date stands with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from allowlist.network.observation import Service

_LEARN = "https://learn.microsoft.com/azure/"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommendation; ``source`` is the page that documents it."""

    code: str
    service: Service
    text: str
    source: str


def _table(service: Service, *rows: tuple[str, str, str]) -> list[Recommendation]:
    return [Recommendation(code, service, text, _LEARN + page) for code, text, page in rows]


_ALL = (
    *_table(
        Service.NETWORK,
        (
            "source-known",
            "The subnets in which traffic starts are known",
            "virtual-network/virtual-networks-overview",
        ),
        (
            "route-to-firewall",
            "Every source subnet sends the Internet to the firewall that carries the rules",
            "firewall/tutorial-firewall-deploy-portal-policy",
        ),
        (
            "route-bypass",
            "No more specific route leads around the firewall",
            "virtual-network/virtual-networks-udr-overview",
        ),
        (
            "nat-gateway",
            "No NAT gateway stands on a source subnet, around the firewall",
            "nat-gateway/nat-overview",
        ),
        (
            "public-address",
            "No interface in a source subnet has a public IP address of its own",
            "virtual-network/ip-services/default-outbound-access",
        ),
        (
            "default-outbound",
            "Source subnets are private: default outbound access is off",
            "virtual-network/ip-services/default-outbound-access",
        ),
        (
            "bgp-propagation",
            "Routes learned from a gateway do not get into the source subnets",
            "virtual-network/virtual-networks-udr-overview",
        ),
        (
            "service-endpoint",
            "No service endpoint leads around the firewall",
            "virtual-network/virtual-network-service-endpoints-overview",
        ),
        (
            "peering",
            "The workload's network is connected to the firewall's",
            "virtual-network/virtual-network-peering-overview",
        ),
        (
            "nsg-lets-through",
            "Network security groups let the workload's flows reach the firewall",
            "virtual-network/network-security-groups-overview",
        ),
        (
            "nsg-attached",
            "Every source subnet has a network security group",
            "virtual-network/network-security-group-how-it-works",
        ),
    ),
    *_table(
        Service.FIREWALL,
        (
            "firewall-carries-policy",
            "A firewall carries the rules of each target",
            "firewall-manager/policy-overview",
        ),
        (
            "threat-intelligence",
            "Threat intelligence denies what is known as malicious, whatever the list lets through",
            "firewall/threat-intel",
        ),
        (
            "intrusion-detection",
            "A Premium policy uses the intrusion detection it pays for",
            "firewall/premium-features",
        ),
        (
            "protection-bypass",
            "Little passes threat intelligence and intrusion detection unseen",
            "firewall/premium-features",
        ),
        (
            "firewall-logs",
            "The firewall's logs of application and network rules are kept",
            "firewall/monitor-firewall-reference",
        ),
        (
            "firewall-zones",
            "The firewall stands in more than one availability zone",
            "reliability/reliability-firewall",
        ),
        (
            "snat-ports",
            "The firewall has enough public addresses, or a NAT gateway, to translate with",
            "firewall/integrate-with-nat-gateway",
        ),
        ("classic-rules", "Rules stand in a firewall policy", "firewall-manager/migrate-to-policy"),
        (
            "plain-http",
            "No rule lets plain http through where https suffices",
            "security/benchmark/mcsb-v2-network-security",
        ),
        ("dns-proxy", "The firewall is a DNS proxy for the networks that ask it", "firewall/dns-settings"),
        (
            "dns-network-rules",
            "Names in network rules are resolved by the same DNS server that clients ask",
            "firewall/fqdn-filtering-network-rules",
        ),
    ),
    *_table(
        Service.LINK,
        (
            "endpoint-approved",
            "Connections of private endpoints are approved",
            "private-link/private-endpoint-overview",
        ),
        (
            "egress-rule-redundant",
            "No egress rule stands for names that a private endpoint serves",
            "private-link/private-endpoint-overview",
        ),
    ),
    *_table(
        Service.DNS,
        ("dns-zone", "Each private endpoint's zone exists", "private-link/private-endpoint-dns"),
        (
            "dns-link",
            "The zone is linked to the network that answers the workload's questions",
            "private-link/private-endpoint-dns",
        ),
        (
            "dns-record",
            "The zone holds a record with the endpoint's address",
            "private-link/private-endpoint-dns",
        ),
    ),
    *_table(
        Service.ACCOUNTS,
        (
            "account-public-access",
            "AI accounts and hubs are closed to public networks",
            "ai-services/cognitive-services-virtual-networks",
        ),
        (
            "account-endpoint",
            "AI accounts have a private endpoint in the workload's network",
            "ai-services/cognitive-services-virtual-networks",
        ),
        (
            "account-data-loss",
            "AI accounts call only hosts on their allow list",
            "ai-services/cognitive-services-data-loss-prevention",
        ),
        (
            "compute-outside",
            "Compute of a workspace stands where an allow list holds it",
            "machine-learning/how-to-managed-network",
        ),
        (
            "isolation-mode",
            "Managed networks let only approved destinations through",
            "ai-foundry/how-to/configure-managed-network",
        ),
    ),
    *_table(
        Service.SUPPORT,
        (
            "support-public-access",
            "Storage, Key Vault, Container Registry and search are closed to public networks",
            "ai-foundry/how-to/configure-private-link",
        ),
        (
            "support-endpoint",
            "Supporting services have a private endpoint in the workload's network",
            "ai-foundry/how-to/configure-private-link",
        ),
    ),
    *_table(
        Service.BASTION,
        (
            "bastion-present",
            "Jumpboxes are reached through Azure Bastion",
            "bastion/bastion-overview",
        ),
        (
            "bastion-subnet",
            "AzureBastionSubnet is /26 or larger and has no route table",
            "bastion/configuration-settings",
        ),
        ("bastion-nsg", "The subnet's security group holds all rules Bastion needs", "bastion/bastion-nsg"),
        (
            "management-ports",
            "No security group opens SSH or RDP to the Internet",
            "bastion/bastion-overview",
        ),
        (
            "jumpbox-public-address",
            "Machines behind Bastion have no public IP address",
            "bastion/bastion-overview",
        ),
    ),
    *_table(
        Service.API_MANAGEMENT,
        (
            "apim-network",
            "API Management stands inside the network, reached from inside",
            "api-management/virtual-network-concepts",
        ),
        (
            "apim-nsg",
            "The subnet's security group lets management and dependencies through",
            "api-management/virtual-network-reference",
        ),
        (
            "apim-route",
            "Under forced tunnelling the management traffic keeps its own way",
            "api-management/api-management-using-with-internal-vnet",
        ),
    ),
    *_table(
        Service.APPLICATION_GATEWAY,
        (
            "gateway-route",
            "The gateway's subnet does not send the Internet to an appliance",
            "application-gateway/configuration-infrastructure",
        ),
        (
            "gateway-nsg",
            "The subnet's security group lets the platform in and the Internet out",
            "application-gateway/configuration-infrastructure",
        ),
        (
            "gateway-waf",
            "The web application firewall prevents, not only detects",
            "web-application-firewall/ag/ag-overview",
        ),
    ),
    *_table(
        Service.FRONT_DOOR,
        (
            "front-door-origin",
            "Origins are reached over an approved private link",
            "frontdoor/private-link",
        ),
        (
            "front-door-waf",
            "The web application firewall prevents, not only detects",
            "web-application-firewall/afds/afds-overview",
        ),
    ),
)

RECOMMENDATIONS = {item.code: item for item in _ALL}
