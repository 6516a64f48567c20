"""What both managed network surfaces do alike, over one object: the network as values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from allowlist.documents import digest_of
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import normal_id
from allowlist.plan.drafts import Draft, LimitFinding
from allowlist.plan.findings import Finding
from allowlist.plan.model import Operation
from allowlist.points.managed import compose as composing
from allowlist.points.managed.draft import Drafter, Place
from allowlist.points.managed.judge import NetworkJudge, posture
from allowlist.points.managed.network import ManagedNetwork
from allowlist.points.managed.options import NetworkOptions, options_of
from allowlist.points.managed.translate import COMING, IN_FORCE, to_ruleset
from allowlist.points.point import ArmReader, ArmWriter, Point, Write
from allowlist.points.unmet import Unmet
from allowlist.points.verdict import refined
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement


class ManagedNetworkPoint(Point):
    """A managed network behind the one interface; hubs and accounts say where it stands and how it is read."""

    options_type = NetworkOptions
    has_batch = False

    @property
    def provision_body(self) -> Body:
        """What is sent to have the network provisioned."""
        return {}

    @abstractmethod
    def read(self, arm: ArmReader) -> list[Body]: ...

    @abstractmethod
    def find_network(self, estate: Estate) -> ManagedNetwork:
        """The network of the target. Raises InvalidInput where the estate lacks its resource."""

    @abstractmethod
    def place(self) -> Place: ...

    @abstractmethod
    def with_network(self, estate: Estate, operations: Sequence[Operation], network_id: str) -> Estate:
        """The estate once ``operations`` on the network at ``network_id`` have succeeded."""

    @abstractmethod
    def find_unsettled(self, bodies: Sequence[Body]) -> Iterator[Unmet]:
        """What of the resources around the network is still changing, or Failed."""

    def network(self, estate: Estate) -> ManagedNetwork:
        found = self.find_network(estate)
        return replace(found, spark=options_of(self.target).serverless_spark, cloud=self.target.cloud)

    def ruleset(self, estate: Estate) -> Ruleset:
        return to_ruleset(self.network(estate), IN_FORCE, COMING - IN_FORCE)

    def refine(self, estate: Estate, findings: Sequence[tuple[Requirement, Finding]]) -> list[Finding]:
        judge = NetworkJudge(self.network(estate), [item for item, _ in findings])
        return [refined(finding, judge.judge(item)) for item, finding in findings]

    def states(self, estate: Estate) -> list[Finding]:
        return list(posture(self.network(estate), self.target.name))

    def draft(self, estate: Estate, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        return Drafter(self.network(estate), self.target, self.place()).draft(needed, kept)

    def compose(self, estate: Estate, operations: Sequence[Operation]) -> list[Write]:
        if not operations:
            return []
        return composing.compose(
            self.network(estate),
            self.place(),
            operations,
            api_version=self.api_version,
            has_batch=self.has_batch,
            provision_body=self.provision_body,
        )

    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        for write in writes:
            network_id, _, _ = write.resource.partition("/outboundRules/")
            for tail in (composing.BATCH, "provisionManagedNetwork", "provision"):
                network_id = network_id.removesuffix(f"/{tail}")
            estate = self.with_network(estate, write.operations, network_id)
        return estate

    def fingerprint(self, estate: Estate) -> str:
        network = self.network(estate)
        rules = {rule.name.lower(): rule.meaning for rule in network.rules}
        return digest_of([_settings(network), network.provisioned, rules])

    def digest(self, estate: Estate, resource: str) -> str:
        network, place = self.network(estate), self.place()
        key = normal_id(resource)
        if key == normal_id(place.network):
            return digest_of(_settings(network))
        if key == normal_id(place.provision):
            return digest_of(network.provisioned)
        if key.endswith(f"/{composing.BATCH.lower()}"):
            return digest_of({rule.name: rule.meaning for rule in network.rules if not rule.is_platform})
        rule = network.rule(resource.rpartition("/")[2])
        return digest_of(rule.meaning if rule else None)

    def exact(self, estate: Estate, resource: str) -> str:
        """A write replaces one rule by its name and nothing beside it; the service spells rules as it likes."""
        return self.digest(estate, resource)

    def reread(self, arm: ArmReader, resource: str) -> list[Body]:
        del resource
        return self.read(arm)

    def limits(self, estate: Estate) -> list[LimitFinding]:
        """The only cap is one of your own: no document names a maximum of FQDN rules."""
        cap, count = options_of(self.target).max_fqdn_rules, len(self.network(estate).fqdn_rules)
        if not cap or count <= cap * 0.9:
            return []
        text = f"the network would have {count} FQDN rules of {cap} (max_fqdn_rules)"
        return [LimitFinding(code="fqdn-rules", exceeded=count > cap, text=text)]

    def lock_group(self, estate: Estate) -> str:
        """One write at a time per network: others are refused, or delete each other's rules."""
        del estate
        return normal_id(self.place().network)

    def write(self, arm: ArmWriter, write: Write) -> None:
        if write.body is None:
            arm.delete(write.resource, write.api_version)
        else:
            send = {"PUT": arm.put, "PATCH": arm.patch, "POST": arm.post}[write.method]
            send(write.resource, write.body, write.api_version)

    def verify(self, arm: ArmReader, write: Write) -> list[Unmet]:
        """Read-back equality by meaning, ``Active`` rules, and a network whose own state has settled."""
        bodies = self.read(arm)
        network = self.network(Estate.of(bodies))
        unmet = [item for operation in write.operations for item in _unmet(network, operation)]
        return unmet + list(self.find_unsettled(bodies))


def _settings(network: ManagedNetwork) -> Body:
    return {"isolation": network.isolation, "sku": network.sku, "kind": network.kind}


def _unmet(network: ManagedNetwork, operation: Operation) -> Iterator[Unmet]:
    if composing.is_provisioning(operation):
        if not network.provisioned:
            yield Unmet.of_state(network.name, "Inactive")
        waiting = (rule for rule in network.rules if not rule.is_failed)
        yield from (item for rule in waiting for item in _not_active(rule.name, network))
    elif composing.is_setting(operation):
        member, wanted = next(iter((operation.after or {}).items()))
        found = {
            "isolationMode": network.isolation,
            "firewallSku": network.sku,
            "managedNetworkKind": network.kind,
        }.get(member)
        if found != wanted:
            text = f"{member} of {network.name} reads back {found or 'unset'}, not {wanted}"
            yield Unmet.different(network.name, text)
    else:
        yield from _unmet_rule(network, operation)


def _unmet_rule(network: ManagedNetwork, operation: Operation) -> Iterator[Unmet]:
    name = operation.path[1]
    rule = network.rule(name)
    if operation.after is None:
        if rule is not None:
            leaving = rule.status == "Deleting"
            yield Unmet.of_state(f"rule {name}", rule.status) if leaving else Unmet.present(f"rule {name}")
    elif rule is None:
        yield Unmet.absent(f"rule {name}")
    elif rule.meaning != type(rule).of(name, operation.after).meaning:
        yield Unmet.different(f"rule {name}")
    else:
        yield from _not_active(name, network)


def _not_active(name: str, network: ManagedNetwork) -> Iterator[Unmet]:
    """A rule of a network that is not provisioned stays Inactive until it is."""
    rule = network.rule(name)
    if rule is None or rule.is_active or (rule.status == "Inactive" and not network.provisioned):
        return
    yield Unmet.of_state(f"rule {name}", rule.status, rule.error)
