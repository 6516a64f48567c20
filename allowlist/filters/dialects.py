"""The dialects: one place of one engine each, what an entry means there, and how the engine folds a client's name.

Every row was measured on the versions it names, on real engines over loopback; ``tests/conformance/test_engines.py``
holds each of the measured verdicts against this table. Rows without versions follow the vendor's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from allowlist.filters.reading import (
    Reading,
    after_last,
    below,
    dead,
    ends,
    everything,
    exact,
    fatal,
    glob,
    opaque,
    regex,
    tree,
)
from allowlist.names import normalise

__all__ = ["DIALECTS", "Dialect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One place where names are listed: ``read`` an entry, and how a name that a client sends is folded first."""

    name: str
    title: str
    versions: tuple[str, ...]
    read: Callable[[str], Reading]
    folds_case: bool = False
    drops_end_dot: bool = False
    source: str = ""
    """Of a row that was not measured: the vendor's page it follows."""
    suffix_sent: str = ""
    """What the engine finds behind the host name, such as the port of a CONNECT."""

    def fold(self, sent: str) -> str:
        name = sent.lower() if self.folds_case else sent
        name = name[:-1] if self.drops_end_dot and name.endswith(".") else name
        return name + self.suffix_sent

    def matches(self, entry: str, sent: str) -> bool:
        """Does the engine let ``sent`` through for ``entry`` alone?"""
        return self.read(entry).test(self.fold(sent))


_NOT_A_NAME: Final = re.compile(r"[:/]")


def _odd(entry: str) -> Reading | None:
    """Entries that most engines take without a word and never match."""
    if _NOT_A_NAME.search(entry):
        return dead("holds a port or a URL; only a host name is ever compared with it")
    if not entry.isascii():
        return dead("is not written in punycode; clients send the name as xn--…")
    return None


def _option(entry: str) -> Reading | None:
    return fatal("starts with a dash and is read as an option") if entry.startswith("-") else None


def _squid_dstdomain(entry: str) -> Reading:
    found = _option(entry) or _odd(entry)
    if found:
        return found
    name = entry.lower()
    if "*" in name:
        return dead("has an asterisk; dstdomain knows a leading dot only")
    if name.endswith("."):
        return dead("ends with a dot; Squid takes that dot off the client's name, not off the list")
    return tree(name[1:]) if name.startswith(".") else exact(name)


def _squid_regex(entry: str) -> Reading:
    return regex(entry, ignore_case=True)


def _dnsmasq_domain(entry: str) -> Reading:
    parts = [part for part in entry.split("/") if part and not part.endswith(":")]
    if len(parts) != 1:
        return dead("is read as several domains") if parts else everything()
    try:
        name = normalise(parts[0])
    except UnicodeError:
        return dead("cannot be written in punycode")
    if ":" in name:
        return dead("holds a port")
    if name in ("*", "#"):
        return everything()
    star, rest = name.startswith("*"), name.removeprefix("*")
    if "*" in rest:
        return dead("has an asterisk that is not its first character")
    if star:
        return ends(rest)
    return tree(name.removeprefix("."))


def _dnsmasq_set(entry: str) -> Reading:
    if "*" in entry:
        return dead("has an asterisk; nftset and ipset take a domain with everything below it")
    return _dnsmasq_domain(entry)


def _unbound_zone(entry: str) -> Reading:
    if entry.startswith("."):
        return fatal("starts with an empty label")
    found = _odd(entry)
    if found:
        return found
    name = entry.lower().removesuffix(".")
    return dead("has an asterisk, which is a literal label here") if "*" in name else tree(name)


def _nginx_hostnames(entry: str) -> Reading:
    if entry.startswith("~"):
        return regex(entry.removeprefix("~").removeprefix("*"), ignore_case=True)
    name = entry.lower()
    found = _odd(name)
    if found:
        return found
    if name.endswith("."):
        return dead("ends with a dot; nginx takes that dot off the client's name, not off the map")
    if name.endswith(".*") and "*" not in name[:-1]:
        head = name[:-1]
        return opaque(lambda sent: sent.startswith(head), "means this name under any ending")
    if "*" in name:
        starts_well = name.startswith("*.") and "*" not in name[1:]
        return (
            below(name[2:]) if starts_well else fatal("has an asterisk that is no whole first or last label")
        )
    return tree(name[1:]) if name.startswith(".") else exact(name)


def _nginx_plain(entry: str) -> Reading:
    if entry.startswith("~"):
        return regex(entry.removeprefix("~").removeprefix("*"), ignore_case=True)
    if entry.startswith(".") or "*" in entry:
        return dead("is a wildcard, and the map lacks the word 'hostnames'")
    return _odd(entry) or exact(entry.lower())


def _text(test: Callable[[str, str], bool], why: str, *sure: str) -> Callable[[str], Reading]:
    """``sure``: patterns it holds in any case, with ``{}`` for the entry."""
    return lambda entry: (
        _option(entry)
        or opaque(lambda sent: test(entry, sent), why, *(pattern.format(entry) for pattern in sure))
    )


def _haproxy_str(entry: str) -> Reading:
    return _option(entry) or exact(entry)


def _haproxy_end(entry: str) -> Reading:
    return _option(entry) or ends(entry)


def _haproxy_reg(entry: str) -> Reading:
    return _option(entry) or regex(entry)


_DELIMITERS: Final = "./:?"


def _whole_labels(entry: str, sent: str) -> bool:
    wanted = entry.strip(_DELIMITERS)
    return re.search(rf"(?:^|[./:?]){re.escape(wanted)}(?:$|[./:?])", sent) is not None


def _envoy_server_names(entry: str) -> Reading:
    name = entry.lower()
    if name.startswith("*."):
        name = name[1:]
    if "*" in name:
        return fatal("has an asterisk that is no whole first label")
    return _odd(name) or (below(name[1:]) if name.startswith(".") else exact(name))


def _envoy_domains(entry: str) -> Reading:
    name = entry.lower()
    if name == "*":
        return everything()
    if name.startswith("*"):
        return ends(name[1:], longer=True)
    if name.endswith("*"):
        head = name[:-1]
        return opaque(
            lambda sent: sent.startswith(head) and sent != head, "means every name that starts with it"
        )
    return exact(name)


def _suricata_text(*, whole: bool, folds: bool, dotted: bool = False) -> Callable[[str], Reading]:
    """``content`` at the end of the buffer; ``startswith`` makes it whole, ``dotprefix`` puts a dot before the buffer."""

    def read(entry: str) -> Reading:
        text = entry.lower() if folds else entry
        if whole:
            return exact(text)
        return tree(text[1:]) if dotted and text.startswith(".") else ends(text)

    return read


def _suricata_lower_only(entry: str) -> Reading:
    if entry != entry.lower():
        return dead("has an upper-case letter, and http.host is compared in lower case")
    return _suricata_text(whole=False, folds=False, dotted=True)(entry)


def _tinyproxy_bre(entry: str) -> Reading:
    """POSIX basic: a leading asterisk is a literal one."""
    text = re.sub(r"^\*(\*?)", lambda match: r"\*" + match.group(1), entry)
    return regex(text, ignore_case=True)


def _cilium_match_pattern(entry: str) -> Reading:
    name = entry.lower().removesuffix(".")
    if name == "*":
        return everything()
    if name.startswith("**."):
        return below(name[3:]) if "*" not in name[3:] else dead("has a further asterisk")
    if "*" in name:
        one = re.compile("[-a-z0-9_]*".join(re.escape(part) for part in name.split("*")))
        return opaque(
            lambda sent: one.fullmatch(sent) is not None,
            "has an asterisk, which is within one label",
            tail=after_last(name),
        )
    return exact(name)


def _leading_label(entry: str) -> Reading:
    """``x`` and ``*.x``, as most vendors' lists write them."""
    name = entry.lower().removesuffix(".")
    if name.startswith("*.") and "*" not in name[1:]:
        return below(name[2:])
    if "*" in name:
        return opaque(
            lambda sent: False, "has an asterisk whose meaning is not documented", tail=after_last(name)
        )
    return _odd(name) or exact(name)


def _aws_domain_list(entry: str) -> Reading:
    name = entry.lower()
    if "*" in name:
        return dead("has an asterisk; a domain list writes a leading dot")
    return _odd(name) or (tree(name[1:]) if name.startswith(".") else exact(name))


def _gcp_url_list(entry: str) -> Reading:
    name = entry.lower()
    if name == "*":
        return everything()
    if name.startswith("*.") and "*" not in name[1:]:
        return below(name[2:])
    if name.startswith("*") and "*" not in name[1:]:
        return tree(name[1:])
    if "*" in name:
        return opaque(
            lambda sent: False, "has an asterisk whose meaning is not documented", tail=after_last(name)
        )
    return exact(name)


def _pan_url(entry: str) -> Reading:
    name = entry.lower()
    if not name.endswith("/"):
        why = "lacks the closing '/', so it goes on to the right (www.x.example)"
        return opaque(lambda sent: False, why, name)
    return _leading_label(name[:-1])


_MEASURED: Final = (
    Dialect(
        name="squid dstdomain",
        title="Squid, acl … dstdomain -n",
        versions=("5.7", "6.13"),
        read=_squid_dstdomain,
        folds_case=True,
        drops_end_dot=True,
    ),
    Dialect(
        name="squid dstdom_regex",
        title="Squid, acl … dstdom_regex -n -i",
        versions=("5.7", "6.13"),
        read=_squid_regex,
        folds_case=True,
        drops_end_dot=True,
    ),
    Dialect(
        name="dnsmasq server=/P/",
        title="dnsmasq, server=/P/ under local=/#/",
        versions=("2.90", "2.91"),
        read=_dnsmasq_domain,
        folds_case=True,
        drops_end_dot=True,
    ),
    Dialect(
        name="dnsmasq nftset=/P/",
        title="dnsmasq, nftset=/P/ and ipset=/P/",
        versions=("2.90", "2.91"),
        read=_dnsmasq_set,
        folds_case=True,
        drops_end_dot=True,
    ),
    Dialect(
        name="unbound local-zone",
        title="Unbound, local-zone always_transparent over '.' always_nxdomain",
        versions=("1.17.1", "1.26.2"),
        read=_unbound_zone,
        folds_case=True,
        drops_end_dot=True,
    ),
    Dialect(
        name="nginx stream map hostnames",
        title="nginx, map … { hostnames; … }",
        versions=("1.22.1", "1.26.3"),
        read=_nginx_hostnames,
        folds_case=True,
        drops_end_dot=True,
    ),
    Dialect(
        name="nginx stream map plain",
        title="nginx, map without hostnames",
        versions=("1.22.1", "1.26.3"),
        read=_nginx_plain,
        folds_case=True,
    ),
    Dialect(
        name="haproxy sni -m str", title="HAProxy, -m str", versions=("2.6.12", "3.0.11"), read=_haproxy_str
    ),
    Dialect(
        name="haproxy sni -m str -i",
        title="HAProxy, -m str -i",
        versions=("2.6.12", "3.0.11"),
        read=lambda entry: _haproxy_str(entry.lower()),
        folds_case=True,
    ),
    Dialect(
        name="haproxy sni -m end", title="HAProxy, -m end", versions=("2.6.12", "3.0.11"), read=_haproxy_end
    ),
    Dialect(
        name="haproxy sni -m end -i",
        title="HAProxy, -m end -i",
        versions=("2.6.12", "3.0.11"),
        read=lambda entry: _haproxy_end(entry.lower()),
        folds_case=True,
    ),
    Dialect(
        name="haproxy sni -m dom",
        title="HAProxy, -m dom",
        versions=("2.6.12", "3.0.11"),
        read=_text(
            _whole_labels, "matches whole labels in the middle of a name, so x.example.org too", "{}", "*.{}"
        ),
    ),
    Dialect(
        name="haproxy sni -m sub",
        title="HAProxy, -m sub",
        versions=("2.6.12", "3.0.11"),
        read=_text(lambda entry, sent: entry in sent, "matches in the middle of a name", "*{}"),
    ),
    Dialect(
        name="haproxy sni -m beg",
        title="HAProxy, -m beg",
        versions=("2.6.12", "3.0.11"),
        read=_text(lambda entry, sent: sent.startswith(entry), "matches the beginning, so any ending", "{}"),
    ),
    Dialect(
        name="haproxy sni -m reg", title="HAProxy, -m reg", versions=("2.6.12", "3.0.11"), read=_haproxy_reg
    ),
    Dialect(
        name="envoy filter_chain server_names",
        title="Envoy, filter_chain_match.server_names",
        versions=("1.40.0",),
        read=_envoy_server_names,
        folds_case=True,
    ),
    Dialect(
        name="envoy virtual_hosts Host",
        title="Envoy, virtual host domains, Host without a port",
        versions=("1.40.0",),
        read=_envoy_domains,
        folds_case=True,
    ),
    Dialect(
        name="envoy virtual_hosts CONNECT host:443",
        title="Envoy, virtual host domains, CONNECT host:443",
        versions=("1.40.0",),
        read=_envoy_domains,
        folds_case=True,
        suffix_sent=":443",
    ),
    Dialect(
        name="envoy rbac requested_server_name suffix",
        title="Envoy, RBAC requested_server_name suffix",
        versions=("1.40.0",),
        read=ends,
        folds_case=True,
    ),
    Dialect(
        name="suricata tls.sni endswith nocase",
        title="Suricata, tls.sni; content; nocase; endswith",
        versions=("7.0.10",),
        read=_suricata_text(whole=False, folds=True),
        folds_case=True,
    ),
    Dialect(
        name="suricata tls.sni startswith endswith nocase",
        title="Suricata, tls.sni; content; nocase; startswith; endswith",
        versions=("7.0.10",),
        read=_suricata_text(whole=True, folds=True),
        folds_case=True,
    ),
    Dialect(
        name="suricata tls.sni startswith endswith",
        title="Suricata, tls.sni without nocase",
        versions=("7.0.10",),
        read=_suricata_text(whole=True, folds=False),
    ),
    Dialect(
        name="suricata tls.sni dotprefix endswith nocase",
        title="Suricata, tls.sni; dotprefix; content; nocase; endswith",
        versions=("7.0.10",),
        read=_suricata_text(whole=False, folds=True, dotted=True),
        folds_case=True,
    ),
    Dialect(
        name="suricata http.host dotprefix endswith",
        title="Suricata, http.host; dotprefix; content; endswith",
        versions=("7.0.10",),
        read=_suricata_lower_only,
        folds_case=True,
    ),
    Dialect(
        name="suricata dns.query dotprefix endswith nocase",
        title="Suricata, dns.query; dotprefix; content; nocase; endswith",
        versions=("7.0.10",),
        read=_suricata_text(whole=False, folds=True, dotted=True),
        folds_case=True,
        drops_end_dot=True,
    ),
    Dialect(
        name="tinyproxy filter bre",
        title="tinyproxy, FilterType bre",
        versions=("1.11.1", "1.11.2"),
        read=_tinyproxy_bre,
    ),
    Dialect(
        name="tinyproxy filter fnmatch",
        title="tinyproxy, FilterType fnmatch",
        versions=("1.11.2",),
        read=glob,
    ),
)

_DOCUMENTED: Final = (
    Dialect(
        name="cilium matchPattern",
        title="Cilium, toFQDNs matchPattern with the leading ** of 2026",
        source="Cilium documentation, DNS based policies (matchName, matchPattern); cilium issue 22081 and change 43420",
        versions=(),
        read=_cilium_match_pattern,
        folds_case=True,
        drops_end_dot=True,
    ),
    Dialect(
        name="aws domain list",
        title="AWS Network Firewall, stateful domain list",
        source="AWS Network Firewall developer guide, stateful domain list rule groups",
        versions=(),
        read=_aws_domain_list,
        folds_case=True,
    ),
    Dialect(
        name="gcp url list",
        title="Google Cloud Secure Web Proxy, UrlList host",
        source="Google Cloud documentation, Secure Web Proxy, UrlList reference",
        versions=(),
        read=_gcp_url_list,
        folds_case=True,
    ),
    Dialect(
        name="pan-os url",
        title="PAN-OS, custom URL category and external dynamic list of type URL",
        source="PAN-OS documentation, guidelines for URL category exceptions",
        versions=(),
        read=_pan_url,
        folds_case=True,
    ),
    Dialect(
        name="fortigate fqdn",
        title="FortiGate, FQDN and wildcard FQDN address objects",
        source="FortiOS administration guide, FQDN and wildcard FQDN addresses",
        versions=(),
        read=_leading_label,
        folds_case=True,
    ),
)

DIALECTS: Final[Mapping[str, Dialect]] = {item.name: item for item in (*_MEASURED, *_DOCUMENTED)}
