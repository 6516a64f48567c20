"""Azure service tags by name, to tell a tag from a word and a misspelt tag from a known one.

Source: Azure Virtual Network, "Available service tags"; retired tags that old pages name are kept.
"""

from __future__ import annotations

from typing import Final

from allowlist.documents.reader import near_miss

_NAMES: Final = """
ActionGroup ApiManagement ApplicationInsightsAvailability AppConfiguration AppService AppServiceManagement
AutonomousDevelopmentPlatform AzureActiveDirectory AzureActiveDirectoryDomainServices
AzureAdvancedThreatProtection AzureArcInfrastructure AzureAttestation AzureBackup AzureBotService AzureCloud
AzureCognitiveSearch AzureConnectors AzureContainerAppsService AzureContainerRegistry AzureCosmosDB
AzureDatabricks AzureDataExplorerManagement AzureDataLake AzureDeviceUpdate AzureDevOps AzureDevSpaces
AzureDigitalTwins AzureEventGrid AzureFrontDoor.Backend AzureFrontDoor.FirstParty AzureFrontDoor.Frontend
AzureFrontDoor.MicrosoftSecurity AzureHealthcareAPIs AzureInformationProtection AzureIoTHub AzureKeyVault
AzureLoadBalancer AzureLoadTestingInstanceManagement AzureMachineLearning AzureMachineLearningInference
AzureManagedGrafana AzureMonitor AzureOpenDatasets AzurePlatformDNS AzurePlatformIMDS AzurePlatformLKM
AzureResourceManager AzureSentinel AzureSignalR AzureSiteRecovery AzureSphere AzureSpringCloud AzureStack
AzureTrafficManager AzureUpdateDelivery AzureVideoAnalyzerForMedia AzureWebPubSub BatchNodeManagement
ChaosStudio CognitiveServicesFrontend CognitiveServicesManagement DataFactory DataFactoryManagement
Dynamics365BusinessCentral Dynamics365ForMarketingEmail EOPExternalPublishedIPs EventHub GatewayManager
GuestAndHybridManagement HDInsight Internet KustoAnalytics LogicApps LogicAppsManagement
M365ManagementActivityApi M365ManagementActivityApiWebhook MicrosoftAzureFluidRelay MicrosoftCloudAppSecurity
MicrosoftContainerRegistry MicrosoftDefenderForEndpoint MicrosoftPurviewPolicyDistribution OneDsCollector
PowerBI PowerPlatformInfra PowerPlatformPlex PowerQueryOnline Scuba SerialConsole ServiceBus ServiceFabric
Sql SqlManagement Storage StorageMover StorageSyncService TrafficManager VideoIndexer VirtualDesktop
VirtualNetwork WindowsAdminCenter WindowsVirtualDesktop
"""
_KNOWN: Final = {name.lower(): name for name in _NAMES.split()}
_FAMILIES: Final = {name.partition(".")[0] for name in _KNOWN if "." in name}


def is_service_tag(written: str) -> bool:
    """Is this a tag as Azure knows it, in any capitals, with or without a region?"""
    name = written.lower()
    family, _, region = name.partition(".")
    return name in _KNOWN or (family in _KNOWN and bool(region))


def resembles_service_tag(written: str) -> bool:
    """A known tag, or a member of a known family (``AzureFrontDoor`` alone) that is not one itself."""
    return is_service_tag(written) or written.lower().partition(".")[0] in _FAMILIES


def invalid_tag_note(written: str) -> str:
    """What is wrong with a tag's name, with the likely one; empty for a known tag."""
    if is_service_tag(written):
        return ""
    hint = near_miss(written.replace(" ", ""), _KNOWN.values())
    return f"no service tag is called '{written}'{hint}"
