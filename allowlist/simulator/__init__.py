"""A faithful local Azure Resource Manager, as awkward as recordings and documentation show Azure to be.

Parts, from the inside out: :mod:`~allowlist.simulator.arm` knows what all resource providers share (ids,
api-versions, paging, long operations, throttling, errors) and no provider;
:mod:`~allowlist.simulator.network` is Microsoft.Network, :mod:`~allowlist.simulator.cognitive`
Microsoft.CognitiveServices and :mod:`~allowlist.simulator.machinelearning` Microsoft.MachineLearningServices, whose
managed networks share :mod:`~allowlist.simulator.managed`; :mod:`~allowlist.simulator.faults` makes things go
wrong on request; :mod:`~allowlist.simulator.web` puts it on a socket.

A further resource provider is one package with a :class:`~allowlist.simulator.arm.provider.Provider`: a
``namespace`` and a mapping from type paths (``accounts/managedNetworks/outboundRules``) to a
:class:`~allowlist.simulator.arm.provider.Kind` each. Reading and listing work as inherited; a kind overrides
``put``, ``patch``, ``delete`` or ``post`` (``call.address.name`` is the action), answers with ``self.reply`` or
raises a refusal from :mod:`~allowlist.simulator.arm.refusals`. It keeps resources in ``call.arm.store``, starts
long operations with ``call.begin`` (so that faults bend them) and turns them into URLs with
``call.arm.operations.link``; any path works, so a provider may poll under another one's namespace, and
``describe=`` and ``conclude=`` shape the answers of polls and of the result URL. ``foreign_edit`` says what a
second editor does, ``seeded`` completes what a seed brought. Add it to ``default_providers``.

Nothing here imports the product's own reading of Azure (surfaces, rules, azure): both sides must not share one
mistake.
"""

from allowlist.simulator.arm.clock import FAST, ManualClock, Timing
from allowlist.simulator.arm.log import LoggedRequest, RequestLog
from allowlist.simulator.arm.message import Reply, Request
from allowlist.simulator.arm.provider import Kind, Provider
from allowlist.simulator.arm.throttle import DOCUMENTED, OBSERVED, Bucket
from allowlist.simulator.cognitive import CognitiveSettings, MicrosoftCognitiveServices
from allowlist.simulator.faults import PRESETS, Chance, Effect, Fault, FaultPlan, parse_fault
from allowlist.simulator.machinelearning import MicrosoftMachineLearningServices
from allowlist.simulator.managed import ManagedDurations, ManagedSettings, SystemTag
from allowlist.simulator.network import Durations, MicrosoftNetwork, NetworkSettings
from allowlist.simulator.simulator import DEFAULT_SUBSCRIPTION, Simulator, default_providers
from allowlist.simulator.web.server import Running, serve

__all__ = [
    "DEFAULT_SUBSCRIPTION",
    "DOCUMENTED",
    "FAST",
    "OBSERVED",
    "PRESETS",
    "Bucket",
    "Chance",
    "CognitiveSettings",
    "Durations",
    "Effect",
    "Fault",
    "FaultPlan",
    "Kind",
    "LoggedRequest",
    "ManagedDurations",
    "ManagedSettings",
    "ManualClock",
    "MicrosoftCognitiveServices",
    "MicrosoftMachineLearningServices",
    "MicrosoftNetwork",
    "NetworkSettings",
    "Provider",
    "Reply",
    "Request",
    "RequestLog",
    "Running",
    "Simulator",
    "SystemTag",
    "Timing",
    "default_providers",
    "parse_fault",
    "serve",
]
