"""What the words around a name say: which cloud, which direction, required or not, which ports."""

from __future__ import annotations

import re
from typing import Final

_CLOUDS: Final = {
    "china": re.compile(r"\bchina\b|21\s?vianet|mooncake", re.IGNORECASE),
    "usgov": re.compile(
        r"^\W*(?:us )?gov\W*$|\bU\.?\s?S\.?\s+gov|\bazure\s+(?:U\.?S\.?\s+)?gov|\bgovernment\b|\busgov\b",
        re.IGNORECASE,
    ),
    "germany": re.compile(r"\b(?:azure|cloud|microsoft cloud) germany\b|^germany\b", re.IGNORECASE),
    "public": re.compile(
        r"\bazure (?:public|global|commercial|cloud)\b|\b(?:public|commercial|global) (?:azure )?cloud\b"
        r"|\bglobal azure\b|^(?:public|global|worldwide)\b[\s:]*$",
        re.IGNORECASE,
    ),
}
_PAGE_CLOUDS: Final = {
    "china": re.compile(r"azure-china|21vianet"),
    "usgov": re.compile(r"azure-(?:us-)?government\b(?!.*global)"),
}
# Suffixes of the sovereign clouds: Azure Government and 21Vianet endpoint mappings.
_SUFFIXES: Final = {
    "china": re.compile(r"\.cn$"),
    "usgov": re.compile(r"\.us$|\.usgovcloudapi\.net$|\.usgovtrafficmanager\.net$"),
    "germany": re.compile(r"\.(?:microsoftonline|cloudapi|microsoftazure)\.de$"),
}


def cloud_named_in(words: str) -> str:
    """The one cloud that ``words`` name; empty when they name none or several."""
    found = [cloud for cloud, pattern in _CLOUDS.items() if pattern.search(words)]
    if found[:2] == ["china", "usgov"] and re.search(r"china government", words, re.IGNORECASE):
        return "china"
    return found[0] if len(found) == 1 else ""


def cloud_of_page(name: str) -> str:
    """The cloud that the file's own name tells, such as ``…-azure-government.md``."""
    return next((cloud for cloud, pattern in _PAGE_CLOUDS.items() if pattern.search(name.lower())), "")


def cloud_of_host(host: str) -> str:
    """The sovereign cloud whose suffix ``host`` ends with, or empty."""
    name = host.lower()
    return next((cloud for cloud, pattern in _SUFFIXES.items() if pattern.search(name)), "")


def direction_named_in(words: str) -> str:
    """``inbound``, ``outbound``, ``both``, or empty when the words say nothing."""
    inbound = bool(re.search(r"\b(?:inbound|ingress|incoming)\b", words, re.IGNORECASE))
    outbound = bool(re.search(r"\b(?:outbound|egress|outgoing)\b", words, re.IGNORECASE))
    if inbound and outbound:
        return "both"
    return "inbound" if inbound else "outbound" if outbound else ""


_OPTIONAL = re.compile(
    r"\boptional(?:ly)?\b|\b(?:aren't|isn't|are not|is not) required\b.*\brecommended\b", re.I
)
_CONDITION = re.compile(
    r"\b(?:only )?(?:needed|required|necessary) (?:if|when|only)\b|\bonly (?:needed|required|necessary)\b"
    r"|^\W*if\b|^\W*(?:only|when)\b|\bif (?:you|using|running)\b|^\W*required (?:for|only)\b.*\bonly\b",
    re.IGNORECASE,
)
_OPTIONAL_ROW = re.compile(r"^\W*optional\b|\(optional\)", re.IGNORECASE)


def need_named_in(context: str, purpose: str) -> str:
    """``optional`` if the heading or lead says so, ``conditional`` if the purpose does, else ``required``."""
    if _OPTIONAL.search(context) or _OPTIONAL_ROW.search(purpose):
        return "optional"
    return "conditional" if _CONDITION.search(purpose) else "required"


def need_said_in(cell: str) -> str:
    """What a cell of a column "Required" says: ``No``, ``Yes``, ``Only at installation time`` …; empty for nothing."""
    words = cell.strip().strip(".").lower()
    if not words:
        return ""
    if words in ("no", "n", "optional", "not required", "✗", "✘", "❌") or _OPTIONAL_ROW.search(words):
        return "optional"
    if words in ("yes", "y", "required", "mandatory", "always", "✓", "✔", "✅"):
        return "required"
    return "conditional" if _CONDITION.search(words) or words.startswith(("when", "only", "depends")) else ""


_NO_REQUIREMENT = re.compile(
    r"\bno longer (?:needed|required|used|necessary)\b|\bcan (?:safely )?be (?:blocked|removed)\b"
    r"|\bnot required to (?:allow|add|open)\b|\b(?:don't|do not|needn't) (?:need|have) to (?:allow|add|open)\b|\bno longer need\b"
    r"|\b(?:have been|were|was|is|are) (?:retired|removed)\b",
    re.IGNORECASE,
)
_FORBIDS = re.compile(
    r"\b(?:do not|don't|never|must not|mustn't|should not|shouldn't|cannot be|can't be|no need to)\s+(?:be\s+)?"
    r"(?:add|allow|allowlist|open|permit|whitelist|safelist|include|enable|use|accessed|reached)\w*"
    r"|\b(?:to|that you) block\b|\bblock(?:ed|s)?\s+(?:the following|these|this|hosts?|domains?|urls?|endpoints?|access)\b"
    r"|\bdeny\s+(?:the following|these|access)\b|\b(?:retired|deprecated|obsolete|decommissioned|removed)\s+"
    r"(?:hosts?|endpoints?|domains?|urls?|fqdns?|names?|service tags?|addresses)\b"
    r"|\bno longer (?:needed|required|used|necessary|supported)\b",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(r"(?<![.\w])(?:examples?|samples?|e\.g\.|i\.e\.|such as)(?:\W|$)", re.IGNORECASE)
_ABOUT_NETWORK = re.compile(
    r"allow|permit|outbound|egress|firewall|proxy|access|reach|host|fqdn|url|domain|endpoint|network|connect"
    r"|service tag|require|dns|outgoing|whitelist|safelist|bypass",
    re.IGNORECASE,
)


def denies_requirement(words: str) -> bool:
    """Do the words say that what follows is not needed any more, or not to be let through?"""
    return bool(_NO_REQUIREMENT.search(words) or _FORBIDS.search(words))


def is_headed_as_unwanted(title: str) -> bool:
    """Does a heading announce what is to be blocked, or what is gone?"""
    return bool(_FORBIDS.search(title) or _UNWANTED_TITLE.search(title))


_UNWANTED_TITLE = re.compile(
    r"\bto (?:block|deny|remove|avoid)\b|^\W*(?:retired|deprecated|obsolete|removed|blocked|denied|no longer)\b"
    r"|\b(?:retired|deprecated)\W*$",
    re.IGNORECASE,
)


def is_example(words: str) -> bool:
    """Do the words announce an example?"""
    return bool(_EXAMPLE.search(words))


def announces_no_requirement(lead: str) -> bool:
    """Does the last sentence of a lead say that an example follows, or what is not needed any more?"""
    last = lead.rstrip().rsplit(". ", 1)[-1]
    return denies_requirement(last) or (is_example(last) and last.endswith(":"))


def is_about_network(words: str) -> bool:
    """Could a list under these words be a list of destinations?"""
    return bool(_ABOUT_NETWORK.search(words))
