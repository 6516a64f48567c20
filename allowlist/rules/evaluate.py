"""The verdict for one flow: the first rule that matches ends everything, in the documented order.

Rules that only perhaps match are carried along. They change the answer to "unknown" exactly when they would
change what happens.
"""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.names import Pattern
from allowlist.rules.flow import NOTHING_KNOWN, Facts, Flow, Step, Verdict
from allowlist.rules.matching import (
    Match,
    match_application_rule,
    match_nat_rule,
    match_network_rule,
)
from allowlist.rules.model import OPEN, OPEN_THREAT_MODE, Action, FilterRule, NatRule, Ruleset, Stage


def evaluate(
    ruleset: Ruleset, flow: Flow, facts: Facts = NOTHING_KNOWN, *, presumes: bool = False
) -> Verdict:
    """What the firewall does with ``flow``: allow, deny, or unknown with what would have to be known.

    With ``presumes`` a doubt that has a likely answer is taken so, and the verdict carries the assumption.
    """
    if flow.established:
        return Verdict(
            action=Action.ALLOW, stage=Stage.STATEFUL, because="a reply of an allowed connection passes"
        )
    listed = _is_threat(flow, facts, ruleset)
    mode = ruleset.settings.threat_mode
    if listed and mode == "deny":
        because = "threat intelligence lists it and is set to deny; no rule is read"
        return Verdict(action=Action.DENY, stage=Stage.THREAT_INTELLIGENCE, because=because)
    verdict = _by_rules(ruleset, flow, facts, presumes)
    if listed and mode == "alert":
        return _with_alert(verdict)
    if listed and mode == OPEN and verdict.action is not Action.DENY:
        return _perhaps_denied(verdict)
    return verdict


def hidden_steps(ruleset: Ruleset, flow: Flow, verdict: Verdict, facts: Facts = NOTHING_KNOWN) -> list[Step]:
    """Rules that certainly match ``flow`` but are never asked, because the one that decides comes before them."""
    found = [
        step_of(rule, stage, match) for rule, stage, match in _matches(ruleset, flow, facts) if match.certain
    ]
    return steps_after(found, verdict)


def steps_after(steps: list[Step], verdict: Verdict) -> list[Step]:
    """Those behind the rule that decides, each rule once: an entry of a filter may stand for several rules."""
    if verdict.ref is None or len(steps) < 2:
        return []
    refs = [step.ref for step in steps]
    hidden = steps[refs.index(verdict.ref) + 1 :] if verdict.ref in refs else []
    return list({step.ref: step for step in hidden if step.ref != verdict.ref}.values())


def _with_alert(verdict: Verdict) -> Verdict:
    return Verdict(
        action=verdict.action,
        stage=verdict.stage,
        ref=verdict.ref,
        because=verdict.because + "; threat intelligence logs an alert",
        unknowns=verdict.unknowns,
        alert=True,
        path=verdict.path,
        assumptions=verdict.assumptions,
    )


def _perhaps_denied(verdict: Verdict) -> Verdict:
    """Threat intelligence lists the flow, and whether it denies is not known."""
    return Verdict(
        action=None,
        stage=Stage.THREAT_INTELLIGENCE,
        because=f"threat intelligence lists it; not known: {OPEN_THREAT_MODE}",
        unknowns=tuple(dict.fromkeys((OPEN_THREAT_MODE, *verdict.unknowns))),
        path=verdict.path,
    )


def _by_rules(ruleset: Ruleset, flow: Flow, facts: Facts, presumes: bool) -> Verdict:
    steps: list[Step] = []
    for rule, stage, match in _matches(ruleset, flow, facts):
        steps.append(step_of(rule, stage, match))
        if match.certain or (presumes and match.presumed):
            break
    return conclude(steps, last_resort(ruleset, flow, facts), presumes)


def step_of(rule: FilterRule | NatRule, stage: Stage, match: Match) -> Step:
    """``rule`` as a step on the way of a flow that it matches."""
    action = Action.ALLOW if isinstance(rule, NatRule) else rule.action
    return Step(
        ref=rule.ref,
        stage=stage,
        action=action,
        certain=match.certain,
        unknowns=match.unknowns,
        assumes=match.assumes,
        presumed=match.presumed,
    )


def _matches(
    ruleset: Ruleset, flow: Flow, facts: Facts
) -> Iterator[tuple[FilterRule | NatRule, Stage, Match]]:
    settings = ruleset.settings
    for nat_rule in ruleset.dnat if flow.inbound else ():
        if (match := match_nat_rule(nat_rule, flow)).matched:
            yield nat_rule, Stage.DNAT, match
    # Traffic sent to the explicit proxy needs an application rule; a network rule does not allow it.
    for network_rule in () if flow.explicit_proxy else ruleset.network:
        if (match := match_network_rule(network_rule, flow, facts, settings)).matched:
            yield network_rule, Stage.NETWORK, match
    for application_rule in ruleset.application if reaches_application_rules(flow) else ():
        if (match := match_application_rule(application_rule, flow, facts, settings)).matched:
            yield application_rule, Stage.APPLICATION, match


def reaches_application_rules(flow: Flow) -> bool:
    """Only outbound HTTP, HTTPS and MSSQL over TCP; a Host port other than the TCP port drops the flow."""
    return (
        bool(flow.application)
        and not flow.inbound
        and flow.transport == "tcp"
        and not _host_port_differs(flow)
    )


def _host_port_differs(flow: Flow) -> bool:
    return flow.host_port is not None and flow.host_port != flow.port


def last_resort(ruleset: Ruleset, flow: Flow, facts: Facts) -> Verdict:
    """What happens to ``flow`` if no rule matches it."""
    if ruleset.settings.names_only and not flow.name:
        because = "no name is looked up, so a DNS filter is not asked"
        return Verdict(action=Action.ALLOW, stage=Stage.DEFAULT, because=because)
    if _host_port_differs(flow) and flow.application:
        because = f"the port in the Host header ({flow.host_port}) differs from the TCP port ({flow.port})"
        return Verdict(action=Action.DENY, stage=Stage.DEFAULT, because=because)
    if reaches_application_rules(flow) and any(
        Pattern(item).matches(flow.name) for item in facts.infrastructure
    ):
        because = "the built-in infrastructure rules allow it"
        return Verdict(action=Action.ALLOW, stage=Stage.INFRASTRUCTURE, because=because)
    if flow.application == "https" and not flow.name:
        return Verdict(
            action=Action.DENY,
            stage=Stage.DEFAULT,
            because="no SNI was sent, so no application rule can match",
        )
    return Verdict(action=Action.DENY, stage=Stage.DEFAULT, because="no rule matches; the default is deny")


def conclude(steps: list[Step], otherwise: Verdict, presumes: bool = False) -> Verdict:
    """The verdict once ``steps`` were met, the last of them certain or none; a doubt counts where it would matter."""
    last = steps[-1] if steps else None
    certain = last if last and (last.certain or (presumes and last.presumed)) else None
    final = certain.action if certain else otherwise.action
    guessed = [step for step in steps if presumes and step.assumes and not step.certain]
    doubts = [step for step in steps if not step.certain and step not in guessed and step.action is not final]
    assumptions = tuple(step.assumes for step in guessed if step.presumed or step.action is not final)
    path = tuple(steps)
    if doubts:
        first = doubts[0]
        unknowns = tuple(dict.fromkeys(text for step in doubts for text in step.unknowns))
        because = (
            f"rule {first.ref} would {first.action} it, but that depends on what is not known: {unknowns[0]}"
        )
        return Verdict(
            action=None, stage=first.stage, ref=first.ref, because=because, unknowns=unknowns, path=path
        )
    if certain is None:
        return Verdict(
            action=otherwise.action,
            stage=otherwise.stage,
            because=otherwise.because,
            path=path,
            assumptions=assumptions,
        )
    because = f"{certain.stage} rule {certain.ref} {'allows' if final is Action.ALLOW else 'denies'} it"
    return Verdict(
        action=final,
        stage=certain.stage,
        ref=certain.ref,
        because=because,
        path=path,
        assumptions=assumptions,
    )


def _is_threat(flow: Flow, facts: Facts, ruleset: Ruleset) -> bool:
    """Is the flow on the threat feed and not on the policy's allowlist? The feed is known only from facts."""
    settings = ruleset.settings
    names = {name for name in (flow.sni, flow.host) if name}
    if any(Pattern(allowed).matches(name) for allowed in settings.threat_allowed_names for name in names):
        return False
    ends = {flow.source} | ({flow.destination} if flow.destination is not None else set())
    if any(address in settings.threat_allowed_addresses for address in ends):
        return False
    return bool(names & set(facts.threat_names)) or any(address in facts.threat_addresses for address in ends)
