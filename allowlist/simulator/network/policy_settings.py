"""The settings of a policy or a policy draft as the nfv back end reads them back."""

from __future__ import annotations

from typing import Any

from allowlist.simulator.arm.store import Body

READ_ONLY = ("size", "childPolicies", "ruleCollectionGroups", "firewalls", "provisioningState")
_IANA_PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]


def read_back_settings(sent: Body) -> Body:
    """Writable settings as the service reads them back: defaults in, ``false`` switches out, ranges spelled out."""
    settings = {name: value for name, value in sent.items() if name not in READ_ONLY and value is not None}
    settings.setdefault("threatIntelMode", "Alert")
    for name, tidy in _TIDY.items():
        if isinstance(settings.get(name), dict):
            settings[name] = tidy(settings[name])
    known = [name for name in _ORDER if name in settings]
    others = [name for name in settings if name not in _ORDER]
    return {name: settings[name] for name in (*known, *others)}


def _dns(sent: Body) -> Body:
    return {name: value for name, value in sent.items() if not (name == "enableProxy" and value is False)}


def _snat(sent: Body) -> Body:
    kept = {
        name: value
        for name, value in sent.items()
        if not (name == "autoLearnPrivateRanges" and value == "Disabled")
    }
    ranges = [each for text in kept.get("privateRanges") or [] for each in _spelled_out(text)]
    return {
        **({"privateRanges": ranges} if "privateRanges" in kept else {}),
        **_without(kept, "privateRanges"),
    }


def _spelled_out(text: Any) -> list[Any]:
    return list(_IANA_PRIVATE) if str(text).lower() == "ianaprivateranges" else [text]


def _intrusion_detection(sent: Body) -> Body:
    configuration = sent.get("configuration")
    if not isinstance(configuration, dict):
        return sent
    arrays = {
        name: configuration.get(name) or []
        for name in ("signatureOverrides", "bypassTrafficSettings", "privateRanges")
    }
    return {**sent, "configuration": {**arrays, **_without(configuration, *arrays)}}


def _without(body: Body, *names: str) -> Body:
    return {name: value for name, value in body.items() if name not in names}


_TIDY = {"dnsSettings": _dns, "snat": _snat, "intrusionDetection": _intrusion_detection}
_ORDER = (
    "sku",
    "basePolicy",
    "threatIntelMode",
    "threatIntelWhitelist",
    "dnsSettings",
    "explicitProxy",
    "snat",
    "sql",
)
