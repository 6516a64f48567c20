"""The approval policy in force and where it comes from: the workload file, a file or address pinned by whoever runs, or the ledger.

The author of a change can write into the workload file beside it. So whoever runs may name another place: a file, an
address with the digest of what it must hold, or the ledger that decisions are kept in. What the ledger holds for a
workload is always in force: nothing is applied under another policy.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import urlsplit

import msgspec

from allowlist.documents import digest_of
from allowlist.documents.reader import convert_source
from allowlist.documents.source import parse_yaml_source, read_text, refuse_pipes_and_devices
from allowlist.errors import AllowlistError, InvalidInput, PlanRefused
from allowlist.plan.approval import ApprovalPolicy, folded
from allowlist.plan.model import ApprovalInForce, Plan
from allowlist.workload.document import ApprovalRule, RiskTier

if TYPE_CHECKING:
    from allowlist.store import Ledger

SCHEMA: Final = "allowlist/approval-policy/v1"
FROM_LEDGER: Final = "ledger"
FROM_WORKLOAD: Final = "the workload file"
_NOTE: Final = "policy"
_MOST_BYTES: Final = 256 * 1024
_SECONDS: Final = 20.0
_USUAL_DAYS: Final = ApprovalRule().valid_days


class PolicyDocument(ApprovalRule, frozen=True, kw_only=True):
    """A policy in a file of its own; the fields are those of ``approval`` in a workload file."""

    schema: Literal["allowlist/approval-policy/v1"]


class PolicyInForce(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that counts, where it was read, and the file of allowed signers it names."""

    rule: ApprovalRule
    origin: str
    signers: Path | None = None

    @property
    def policy(self) -> ApprovalPolicy:
        return policy_of(self.rule)

    @property
    def told(self) -> ApprovalInForce:
        """What a plan says about it. The digest is over its meaning, keys of allowed signers included."""
        rule = self.rule
        meaning: dict[str, Any] = {
            "approvers": sorted({folded(name) for name in rule.approvers}),
            "four_eyes": rule.four_eyes,
            "quorum": {risk: count for risk, count in rule.quorum.items() if count > 1},
            "signers": self._signers_digest(),
            **({"assumptions": rule.assumptions} if rule.assumptions != "gate" else {}),
            **({"valid_days": rule.valid_days} if rule.valid_days != _USUAL_DAYS else {}),
        }
        return ApprovalInForce(
            origin=self.origin,
            digest=digest_of(meaning),
            approvers=tuple(rule.approvers),
            four_eyes=rule.four_eyes,
            quorum=dict[str, int](rule.quorum.items()),
            signers=meaning["signers"],
            assumptions=rule.assumptions,
            valid_days=rule.valid_days,
        )

    def _signers_digest(self) -> str:
        if self.signers is None:
            return ""
        try:
            refuse_pipes_and_devices(self.signers)
            return "sha256:" + hashlib.sha256(self.signers.read_bytes()).hexdigest()
        except OSError:
            return "absent"


def policy_of(rule: ApprovalRule) -> ApprovalPolicy:
    """The rule as the planner knows it."""
    return ApprovalPolicy(
        approvers=tuple(rule.approvers),
        four_eyes=rule.four_eyes,
        quorum=dict[str, int](rule.quorum.items()),
        valid_days=rule.valid_days,
    )


def rule_of_plan(plan: Plan) -> ApprovalRule:
    """The policy a plan says it was made under, for whoever has the plan and nothing else."""
    told = plan.approval
    if told is None:
        return ApprovalRule()
    return ApprovalRule(
        approvers=list(told.approvers),
        four_eyes=told.four_eyes,
        quorum=cast("dict[RiskTier, int]", {**told.quorum}),
        valid_days=told.valid_days,
    )


def policy_from_workload(rule: ApprovalRule, file: Path) -> PolicyInForce:
    return PolicyInForce(rule=rule, origin=FROM_WORKLOAD, signers=_beside(file, rule.allowed_signers))


def read_policy(place: str) -> PolicyInForce:
    """The policy at ``FILE``, ``FILE@sha256:…`` or ``https://…@sha256:…``.

    Raises InvalidInput for a document that is no policy, AllowlistError where it is not what the digest says.
    """
    where, separator, pinned = place.partition("@sha256:")
    is_address = urlsplit(where).scheme in ("http", "https")
    if is_address and not separator:
        raise AllowlistError(
            f"the policy at {where} can change under an address: nothing says what it must hold",
            hint="pin it: --policy URL@sha256:DIGEST, as sha256sum prints it",
        )
    text = _fetched(where) if is_address else read_text(Path(where), _MOST_BYTES)
    found = hashlib.sha256(text.encode()).hexdigest()
    if separator and found != pinned:
        raise AllowlistError(
            f"the policy at {where} is not the one that was pinned: its digest is sha256:{found}",
            hint="look at what changed, then pin the new digest",
        )
    document = convert_source(parse_yaml_source(text, where), PolicyDocument, SCHEMA)
    if is_address and document.allowed_signers and not Path(document.allowed_signers).is_absolute():
        raise InvalidInput.of(where, "names allowed_signers beside itself; write an absolute path")
    signers = _beside(Path(where), document.allowed_signers)
    return PolicyInForce(rule=_plain_rule(document), origin=f"{where}@sha256:{found}", signers=signers)


def keep_policy(ledger: Ledger, workload: str, policy: PolicyInForce, who: str) -> str:
    """Put ``policy`` on record as the one in force for ``workload``; gives its digest."""
    digest = policy.told.digest
    body = {
        "rule": msgspec.to_builtins(policy.rule),
        "signers": str(policy.signers.resolve()) if policy.signers else "",
        "origin": policy.origin,
        "who": who,
    }
    ledger.note(_NOTE, workload, digest, body)
    return digest


def kept_policy(ledger: Ledger, workload: str) -> PolicyInForce | None:
    """The policy the ledger holds for ``workload``, None where it holds none."""
    note = ledger.latest_note(_NOTE, workload)
    if note is None or not note.state:
        return None
    signers = note.body.get("signers") or ""
    try:
        rule = msgspec.convert(note.body["rule"], ApprovalRule)
    except msgspec.ValidationError as error:
        raise AllowlistError(
            f"the approval policy that the ledger holds for {workload} is none: {error}",
            hint=f"put a right one on record: allowlist policy FILE --keep-for {workload}",
        ) from None
    return PolicyInForce(
        rule=rule,
        origin=FROM_LEDGER,
        signers=Path(signers) if signers else None,
    )


def policy_from_ledger(ledger: Ledger, workload: str) -> PolicyInForce:
    """Raises AllowlistError where the ledger holds none."""
    found = kept_policy(ledger, workload)
    if found is None:
        raise AllowlistError(
            f"the ledger holds no approval policy for {workload}",
            hint=f"put one on record: allowlist policy FILE --keep-for {workload}",
        )
    return found


def refuse_other_policy(ledger: Ledger, workload: str, policy: PolicyInForce) -> None:
    """Raises PlanRefused where the ledger holds another policy for ``workload`` than the one that is to count."""
    kept = kept_policy(ledger, workload)
    if kept is not None and kept.told.digest != policy.told.digest:
        raise PlanRefused(
            f"the approval policy of {policy.origin} is not the one the ledger holds for {workload}",
            hint="plan, approve and apply under the one of the ledger: --policy ledger",
        )


def _plain_rule(document: PolicyDocument) -> ApprovalRule:
    names = ApprovalRule.__struct_fields__
    return ApprovalRule(**{name: getattr(document, name) for name in names})


def _beside(file: Path, name: str) -> Path | None:
    return file.parent / name if name else None


def _fetched(address: str) -> str:
    """What an address holds; it was pinned, so who answers matters little, and redirects are not followed."""
    import httpx

    from allowlist.trust import NAME_IT, TRUST_IT, is_loopback, trust_here, web_client, why_untrusted

    content = bytearray()
    try:
        with (
            web_client(trust_here(), timeout=_SECONDS, proxied=not is_loopback(address)) as client,
            client.stream("GET", address) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise AllowlistError(f"{address} answered {response.status_code} for the approval policy")
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise AllowlistError(f"{address} is larger than an approval policy may be")
            return content.decode("utf-8")
    except (httpx.HTTPError, UnicodeDecodeError) as error:
        if why := why_untrusted(error, address):
            raise AllowlistError(f"{address}: its certificate{why}", hint=f"{TRUST_IT} {NAME_IT}") from None
        raise AllowlistError(f"the approval policy at {address} cannot be read: {error}") from None
