"""Lists as people write them: what they let through, and what is not understood stays unknown."""

from __future__ import annotations

import pytest

from allowlist.errors import InvalidInput
from allowlist.filters.imported import Imported, TroubleKind
from allowlist.filters.lists import Service
from allowlist.filters.registry import FORMATS
from allowlist.filters.ruleset import idle_lines, ruleset_of, sight_of
from allowlist.rules.evaluate import evaluate
from allowlist.workflow.explaining import FlowLine


def imported(name: str, files: dict[str, str]) -> Imported:
    return FORMATS[name].read(files)


def verdict(
    name: str, files: dict[str, str], fqdn: str, port: int = 443, source: str = "10.0.0.4", protocol: str = ""
) -> str:
    sight = sight_of(FORMATS[name].sees(Service("https", 443, 443)))
    ruleset = ruleset_of(imported(name, files), "filter", sight)
    protocol = protocol or ("http" if port == 80 else "https")
    return evaluate(ruleset, FlowLine(source=source, fqdn=fqdn, port=port, protocol=protocol).flow()).word


def troubles(name: str, files: dict[str, str]) -> list[tuple[TroubleKind, str]]:
    return [(item.kind, item.entry) for item in imported(name, files).troubles]


SQUID = {
    "squid.conf": r"""
acl localnet src 10.0.0.0/8          # clients
acl localnet src fc00::/7
acl SSL_ports port 443
acl Safe_ports port 80 443 \
    1025-65535
acl workhours time MTWHF 8:00-18:00
acl sites dstdomain "/etc/squid/allowed.txt"
acl storage dstdom_regex -i (^|\.)blob\.core\.windows\.net$
acl bad dstdomain .evil.contoso.com
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access deny manager
http_access deny to_localhost
include /etc/squid/conf.d/*.conf
http_access deny bad
http_access allow localnet sites
http_access allow localnet storage workhours
http_access deny all
""",
    "allowed.txt": "# list\n.contoso.com\nlogin.microsoftonline.com\n*.openai.com\nwww.contoso.com\n",
    "conf.d/partners.conf": "acl partners dstdomain .fabrikam.com\nhttp_access allow localnet partners !CONNECT\n",
}


@pytest.mark.parametrize(
    ("fqdn", "port", "source", "word"),
    [
        ("www.contoso.com", 443, "10.0.0.4", "allow"),
        ("contoso.com", 443, "10.0.0.4", "allow"),
        ("www.contoso.com", 443, "11.0.0.4", "deny"),
        ("x.evil.contoso.com", 443, "10.0.0.4", "deny"),
        ("www.contoso.com", 8443, "10.0.0.4", "deny"),
        ("api.openai.com", 443, "10.0.0.4", "deny"),
        ("a.blob.core.windows.net", 443, "10.0.0.4", "unknown"),
        ("www.fabrikam.com", 80, "10.0.0.4", "allow"),
        ("www.fabrikam.com", 443, "10.0.0.4", "deny"),
        ("elsewhere.example", 443, "10.0.0.4", "deny"),
    ],
)
def test_squid_with_ports_clients_lists_and_includes(fqdn: str, port: int, source: str, word: str) -> None:
    assert verdict("squid", SQUID, fqdn, port, source) == word


def test_squid_passes_http_on_every_safe_port_and_on_no_other() -> None:
    assert verdict("squid", SQUID, "www.contoso.com", 8080, protocol="http") == "allow"
    assert verdict("squid", SQUID, "www.contoso.com", 81, protocol="http") == "deny"


def test_an_included_file_that_is_not_here_makes_what_follows_unknown() -> None:
    files = {
        "squid.conf": "include /etc/squid/site.conf\nacl a dstdomain a.com\nhttp_access allow a\nhttp_access deny all\n"
    }
    assert verdict("squid", files, "b.com") == "unknown"
    assert (TroubleKind.UNREAD, "include /etc/squid/site.conf") in troubles("squid", files)


def test_a_list_file_that_is_not_here_makes_its_line_unknown() -> None:
    files = {"squid.conf": 'acl a dstdomain "/etc/squid/a.txt"\nhttp_access allow a\nhttp_access deny all\n'}
    assert verdict("squid", files, "b.com") == "unknown"


def test_an_acl_that_is_not_understood_is_never_taken_for_absent() -> None:
    files = {"squid.conf": "acl x some_new_kind y\nhttp_access deny x\nhttp_access allow all\n"}
    assert verdict("squid", files, "b.com") == "unknown"


def test_without_a_last_line_squid_does_the_opposite_of_the_last() -> None:
    assert (
        verdict("squid", {"squid.conf": "acl b dstdomain .b.com\nhttp_access deny b\n"}, "a.com") == "allow"
    )
    assert (
        verdict("squid", {"squid.conf": "acl b dstdomain .b.com\nhttp_access allow b\n"}, "a.com") == "deny"
    )


def test_an_allow_behind_a_deny_of_the_same_names_is_an_order_trap() -> None:
    found = imported(
        "squid",
        {
            "squid.conf": "acl no dstdomain .contoso.com\nacl ok dstdomain www.contoso.com\n"
            "http_access deny no\nhttp_access allow ok\nhttp_access deny all\n"
        },
    )
    sight = sight_of(FORMATS["squid"].sees(Service("https", 443, 443)))
    assert [(line.place.entry, hiding.place.entry) for line, hiding in idle_lines(found, sight)] == [
        ("www.contoso.com", ".contoso.com")
    ]


NGINX = {
    "nginx.conf": """
stream {
    map $ssl_preread_server_name $upstream {   # names
        hostnames;
        default          blackhole;
        .contoso.com     tls_out;
        login.microsoftonline.com $ssl_preread_server_name:443;
        "~^(eu|us)\\.api\\.cognitive\\.microsoft\\.com$" tls_out;
        bad.contoso.com  blackhole;
        include maps/*.map;
    }
    upstream blackhole { server 127.0.0.1:9; }
    server {
        listen 443;
        listen 8443 reuseport;
        ssl_preread on;
        proxy_pass $upstream;
    }
}
http {
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
}
""",
    "maps/partners.map": "*.fabrikam.com tls_out;\n",
}


@pytest.mark.parametrize(
    ("fqdn", "port", "word"),
    [
        ("contoso.com", 443, "allow"),
        ("x.contoso.com", 8443, "allow"),
        ("x.contoso.com", 9443, "deny"),
        ("bad.contoso.com", 443, "deny"),
        ("login.microsoftonline.com", 443, "allow"),
        ("eu.api.cognitive.microsoft.com", 443, "allow"),
        ("x.fabrikam.com", 443, "allow"),
        ("fabrikam.com", 443, "deny"),
        ("elsewhere.example", 443, "deny"),
    ],
)
def test_nginx_maps_with_their_servers_and_includes(fqdn: str, port: int, word: str) -> None:
    assert verdict("nginx", NGINX, fqdn, port) == word


def test_nginx_values_that_nobody_knows_are_unknown() -> None:
    text = "map $ssl_preread_server_name $b {\n hostnames;\n default first;\n a.com second;\n}\n"
    assert verdict("nginx", {"m.conf": text}, "a.com") == "unknown"


def test_nginx_that_passes_tls_on_without_a_map_lets_everything_through() -> None:
    text = "stream { server { listen 443; ssl_preread on; proxy_pass $ssl_preread_server_name:443; } }"
    assert verdict("nginx", {"nginx.conf": text}, "any.example") == "allow"


HAPROXY = {
    "haproxy.cfg": """
defaults
    mode tcp
frontend tls
    bind :443
    tcp-request inspect-delay 5s
    acl inside src 10.0.0.0/8
    acl listed req.ssl_sni,lower -i -m str -f /etc/haproxy/names.lst
    acl listed req.ssl_sni,lower -m end .contoso.com
    acl bad req.ssl_sni,lower -m str bad.contoso.com
    tcp-request content reject if bad
    tcp-request content accept if { req.ssl_hello_type 1 } inside listed
    tcp-request content reject
    default_backend out
backend out
    server any 0.0.0.0:443
""",
    "names.lst": "login.microsoftonline.com\n",
}


@pytest.mark.parametrize(
    ("fqdn", "source", "word"),
    [
        ("x.contoso.com", "10.0.0.4", "allow"),
        ("x.contoso.com", "11.0.0.4", "deny"),
        ("bad.contoso.com", "10.0.0.4", "deny"),
        ("contoso.com", "10.0.0.4", "deny"),
        ("login.microsoftonline.com", "10.0.0.4", "allow"),
        ("elsewhere.example", "10.0.0.4", "deny"),
    ],
)
def test_haproxy_frontends_with_conditions_and_lists(fqdn: str, source: str, word: str) -> None:
    assert verdict("haproxy", HAPROXY, fqdn, source=source) == word


def test_haproxy_backends_without_servers_lead_nowhere() -> None:
    text = """
frontend tls
    bind :443
    use_backend out if { req.ssl_sni,lower -m end .contoso.com }
    default_backend nowhere
backend out
    server any 0.0.0.0:443
backend nowhere
"""
    assert verdict("haproxy", {"haproxy.cfg": text}, "x.contoso.com") == "allow"
    assert verdict("haproxy", {"haproxy.cfg": text}, "x.example") == "deny"


DNSMASQ = {
    "dnsmasq.conf": "no-resolv\naddress=/#/\nserver=/contoso.com/fabrikam.com/10.0.0.2#53   # two\n"
    "address=/bad.contoso.com/0.0.0.0\nconf-file=/etc/dnsmasq.d/more.conf\naddress=/db.contoso.com/10.0.0.9\n",
    "more.conf": "server=/*.openai.azure.com/168.63.129.16\n",
}


@pytest.mark.parametrize(
    ("fqdn", "word"),
    [
        ("contoso.com", "allow"),
        ("x.fabrikam.com", "allow"),
        ("bad.contoso.com", "deny"),
        ("db.contoso.com", "allow"),
        ("x.openai.azure.com", "allow"),
        ("openai.azure.com", "deny"),
        ("elsewhere.example", "deny"),
    ],
)
def test_dnsmasq_with_several_domains_a_line_and_other_files(fqdn: str, word: str) -> None:
    assert verdict("dnsmasq", DNSMASQ, fqdn) == word


def test_dnsmasq_with_default_servers_resolves_what_no_line_closes() -> None:
    files = {"dnsmasq.conf": "server=10.0.0.2\naddress=/ads.example/\n"}
    assert verdict("dnsmasq", files, "contoso.com") == "allow"
    assert verdict("dnsmasq", files, "x.ads.example") == "deny"


def test_a_dns_filter_passes_a_name_on_every_port() -> None:
    assert verdict("dnsmasq", DNSMASQ, "contoso.com", 5671, protocol="tcp") == "allow"
    assert verdict("dnsmasq", DNSMASQ, "elsewhere.example", 5671, protocol="tcp") == "deny"


def test_unbound_by_the_longest_zone() -> None:
    files = {
        "unbound.conf": 'server:\n  local-zone: "contoso.com" transparent\n  local-zone: "bad.contoso.com." always_nxdomain\n'
        '  local-zone: "." refuse\n  include: "/etc/unbound/more.conf"\n',
        "more.conf": 'local-zone: "fabrikam.com" always_transparent\n',
    }
    assert verdict("unbound", files, "x.contoso.com") == "allow"
    assert verdict("unbound", files, "x.bad.contoso.com") == "deny"
    assert verdict("unbound", files, "fabrikam.com") == "allow"
    assert verdict("unbound", files, "a.example") == "deny"


def test_a_response_policy_zone_that_only_blocks_lets_the_rest_resolve() -> None:
    zone = """$TTL 300
$ORIGIN rpz.contoso.com.
@ IN SOA localhost. root.localhost. (
    1 12h 15m
    3w 2h )
  IN NS localhost.
bad.example IN CNAME .
*.bad.example 300 IN CNAME .
garden.example CNAME walled.contoso.com.
ok.bad.example.rpz.contoso.com. CNAME rpz-passthru.
"""
    assert verdict("rpz", {"db.rpz": zone}, "contoso.com") == "allow"
    assert verdict("rpz", {"db.rpz": zone}, "x.bad.example") == "deny"
    assert verdict("rpz", {"db.rpz": zone}, "garden.example") == "deny"
    assert verdict("rpz", {"db.rpz": zone}, "ok.bad.example") == "allow"


def test_named_conf_says_which_zone_is_asked_first() -> None:
    first = "a.example CNAME .\n"
    second = "a.example CNAME rpz-passthru.\n"
    named = 'options { response-policy { zone "pass.rpz"; zone "deny.rpz"; }; };\n'
    files = {"deny.rpz": first, "pass.rpz": second, "named.conf": named}
    assert verdict("rpz", files, "a.example") == "allow"


SURICATA = {
    "site.rules": """
# allowed
pass tls [10.0.0.0/8] any -> $EXTERNAL_NET 443 (msg:"ok #1"; tls.sni; dotprefix; content:".contoso.com"; nocase; endswith; sid:1; rev:1;)
pass http $HOME_NET any -> any [80,8080] (http.host; content:"pki.contoso.com"; startswith; endswith; sid:2;)
pass tls any any -> any 443 (tls.sni; pcre:"/^a[0-9]+\\.example$/"; sid:3;)
drop tls any any -> any any (msg:"rest"; sid:4;)
drop http any any -> any any (sid:5;)
"""
}


@pytest.mark.parametrize(
    ("fqdn", "port", "source", "word"),
    [
        ("x.contoso.com", 443, "10.0.0.4", "allow"),
        ("pki.contoso.com", 8080, "10.0.0.4", "allow"),
        ("x.contoso.com", 8443, "10.0.0.4", "deny"),
        ("b.example", 443, "11.0.0.4", "unknown"),
        ("b.example", 8443, "11.0.0.4", "deny"),
    ],
)
def test_suricata_by_addresses_ports_and_names(fqdn: str, port: int, source: str, word: str) -> None:
    assert verdict("suricata", SURICATA, fqdn, port, source, "http" if port == 8080 else "https") == word


def test_suricata_where_no_rule_drops_depends_on_the_policy() -> None:
    rules = 'pass tls any any -> any any (tls.sni; content:"a.com"; startswith; endswith; nocase; sid:1;)\n'
    assert verdict("suricata", {"a.rules": rules}, "a.com") == "allow"
    assert verdict("suricata", {"a.rules": rules}, "b.com") == "unknown"


def test_cilium_denials_come_first_and_the_world_is_everything() -> None:
    policy = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
spec:
  egress:
    - toFQDNs: [{matchName: contoso.com}, {matchPattern: "*.contoso.com"}]
      toPorts: [{ports: [{port: "443", protocol: TCP}]}]
    - toCIDR: [10.0.0.0/8]
"""
    assert verdict("cilium", {"p.yaml": policy}, "contoso.com") == "allow"
    assert verdict("cilium", {"p.yaml": policy}, "a.example") == "unknown"
    world = "spec:\n  egress:\n    - toEntities: [world]\n"
    assert verdict("cilium", {"p.yaml": world}, "a.example") == "allow"


FORTIGATE = """
config firewall address
    edit "clients"
        set subnet 10.0.0.0 255.0.0.0
    next
    edit "contoso"
        set type fqdn
        set fqdn "*.contoso.com"
    next
    edit "login"
        set type fqdn
        set fqdn "login.microsoftonline.com"
    next
end
config firewall addrgrp
    edit "ai"
        set member "contoso" "login"
    next
end
config firewall policy
    edit 1
        set srcaddr "clients"
        set dstaddr "ai"
        set action accept
        set schedule "always"
        set service "HTTPS"
    next
    edit 2
        set srcaddr "all"
        set dstaddr "login"
        set action accept
        set schedule "always"
        set service "Unheard-of"
    next
end
"""


@pytest.mark.parametrize(
    ("fqdn", "port", "source", "word"),
    [
        ("x.contoso.com", 443, "10.0.0.4", "allow"),
        ("x.contoso.com", 443, "11.0.0.4", "deny"),
        ("x.contoso.com", 8443, "10.0.0.4", "deny"),
        ("login.microsoftonline.com", 8443, "11.0.0.4", "unknown"),
    ],
)
def test_fortigate_policies_with_groups_and_services(fqdn: str, port: int, source: str, word: str) -> None:
    assert verdict("fortigate", {"fw.conf": FORTIGATE}, fqdn, port, source) == word


def test_a_domain_list_of_denied_names_lets_the_rest_through() -> None:
    text = '{"RulesSource": {"RulesSourceList": {"Targets": [".bad.example"], "TargetTypes": ["TLS_SNI"], "GeneratedRulesType": "DENYLIST"}}}'
    assert verdict("aws-domain-list", {"g.json": text}, "a.example") == "allow"
    assert verdict("aws-domain-list", {"g.json": text}, "x.bad.example") == "deny"


ENVOY = """
static_resources:
  listeners:
    - filter_chains:
        - filter_chain_match: {server_names: ["*.contoso.com", login.microsoftonline.com], destination_port: 443}
          filters: [{name: envoy.filters.network.tcp_proxy}]
        - filter_chain_match: {server_names: [bad.contoso.com], destination_port: 443}
          filters: [{name: envoy.filters.network.direct_response}]
        - filter_chain_match: {server_names: ["*.fabrikam.com"], destination_port: 443}
          filters: [{name: envoy.filters.network.rbac}, {name: envoy.filters.network.tcp_proxy}]
"""


@pytest.mark.parametrize(
    ("fqdn", "word"),
    [
        ("x.contoso.com", "allow"),
        ("contoso.com", "deny"),
        ("bad.contoso.com", "deny"),
        ("x.fabrikam.com", "unknown"),
        ("a.example", "deny"),
    ],
)
def test_envoy_chains_by_what_their_filters_do(fqdn: str, word: str) -> None:
    assert verdict("envoy-sni", {"envoy.yaml": ENVOY}, fqdn) == word


AWS_STRICT = """{"RuleGroupName": "egress", "RuleGroup": {
 "RulesSource": {"RulesString": "drop tls $HOME_NET any -> any any (tls.sni; content:\\"bad.contoso.com\\"; nocase; startswith; endswith; sid:1;)\\npass tls $HOME_NET any -> any 443 (tls.sni; dotprefix; content:\\".contoso.com\\"; nocase; endswith; sid:2;)\\npass tls $HOME_NET any -> any 443 (tls.sni; content:\\"bad.contoso.com\\"; nocase; startswith; endswith; sid:3;)"},
 "StatefulRuleOptions": {"RuleOrder": "ORDER"}},
 "FirewallPolicy": {"StatefulDefaultActions": ["aws:drop_established"]}}"""


@pytest.mark.parametrize(
    ("order", "fqdn", "word"),
    [
        ("STRICT_ORDER", "bad.contoso.com", "deny"),
        ("STRICT_ORDER", "www.contoso.com", "allow"),
        ("STRICT_ORDER", "fabrikam.com", "deny"),
        ("DEFAULT_ACTION_ORDER", "bad.contoso.com", "allow"),
        ("DEFAULT_ACTION_ORDER", "www.contoso.com", "allow"),
        ("DEFAULT_ACTION_ORDER", "fabrikam.com", "allow"),
    ],
)
def test_a_rule_group_of_aws_decides_in_the_order_it_names(order: str, fqdn: str, word: str) -> None:
    """In action order each pass comes before each drop, and what no rule drops goes on."""
    assert verdict("suricata", {"group.json": AWS_STRICT.replace("ORDER", order, 1)}, fqdn) == word


def test_without_the_policy_nobody_knows_what_a_strict_group_leaves_over() -> None:
    group = AWS_STRICT.replace("ORDER", "STRICT_ORDER", 1).replace("StatefulDefaultActions", "Other")
    assert verdict("suricata", {"group.json": group}, "fabrikam.com") == "unknown"
    assert verdict("suricata", {"group.json": group}, "www.contoso.com") == "allow"


@pytest.mark.parametrize(
    ("kind", "fqdn", "word"),
    [
        ("REJECTLIST", "www.contoso.com", "deny"),
        ("REJECTLIST", "fabrikam.com", "allow"),
        ("ALERTLIST", "www.contoso.com", "allow"),
    ],
)
def test_lists_of_aws_that_reject_or_only_alert(kind: str, fqdn: str, word: str) -> None:
    text = (
        '{"RulesSource": {"RulesSourceList": {"Targets": [".contoso.com"], "TargetTypes": ["TLS_SNI"], '
        f'"GeneratedRulesType": "{kind}"}}}}}}'
    )
    assert verdict("aws-domain-list", {"list.json": text}, fqdn) == word


PAN_XML = """<config version="11.1.0"><shared><profiles><custom-url-category>
 <entry name="sites-https-443"><list><member>www.contoso.com/</member><member>*.fabrikam.com/</member></list>
 <type>URL List</type></entry></custom-url-category></profiles></shared></config>"""
PAN_SET = """set shared profiles custom-url-category sites-https-443 type "URL List"
set shared profiles custom-url-category sites-https-443 list [ www.contoso.com/ *.fabrikam.com/ ]
set deviceconfig system hostname fw1
"""


@pytest.mark.parametrize("name", ["pan-os", "pan-os-category"])
@pytest.mark.parametrize("text", [PAN_XML, PAN_SET], ids=["xml", "set"])
def test_a_custom_url_category_is_read_from_a_configuration(text: str, name: str) -> None:
    files = {"running-config": text}
    assert verdict(name, files, "www.contoso.com") == "allow"
    assert verdict(name, files, "a.fabrikam.com") == "allow"
    assert verdict(name, files, "fabrikam.com") == "deny"
    assert verdict(name, files, "www.contoso.com", port=80) == "deny"
    assert {line.place.line for line in imported(name, files).lines} == {2}


@pytest.mark.parametrize("text", ["<a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_xml_that_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        imported("pan-os", {"running-config.xml": text})


UNBOUND = """server:
    access-control: 10.0.0.0/8 allow
    access-control: 10.9.0.0/16 refuse
    access-control: 10.9.1.0/24 allow_snoop
    local-zone: "." always_nxdomain
    local-zone: "contoso.com" always_transparent
"""


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("10.0.0.4", "allow"),
        ("10.9.0.4", "deny"),
        ("10.9.1.4", "allow"),
        ("192.168.0.4", "deny"),
        ("127.0.0.1", "allow"),
    ],
)
def test_unbound_answers_the_clients_it_is_told_to(source: str, word: str) -> None:
    assert verdict("unbound", {"unbound.conf": UNBOUND}, "www.contoso.com", source=source) == word


def test_the_zones_of_a_view_are_not_those_of_everybody() -> None:
    text = 'server:\n  local-zone: "." always_nxdomain\nview:\n  name: "v"\n  local-zone: "contoso.com" always_transparent\n'
    assert verdict("unbound", {"unbound.conf": text}, "www.contoso.com") == "unknown"


def test_a_client_of_ipv6_makes_no_difference_to_one_of_ipv4() -> None:
    """Flows here start at addresses of IPv4: what Squid says of others selects none of them, and ``!`` all."""
    text = "acl six src 2001:db8::/32\nacl ok dstdomain .contoso.com\n{}http_access deny all\n"
    only = text.format("http_access allow six ok\n")
    others = text.format("http_access allow !six ok\n")
    assert verdict("squid", {"squid.conf": only}, "www.contoso.com") == "deny"
    assert verdict("squid", {"squid.conf": others}, "www.contoso.com") == "allow"


CILIUM_LABEL = """apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
spec:
  egress:
  - toFQDNs:
    - matchName: api.contoso.com
    - matchPattern: "*.amazonaws.com"
    toPorts: [{ports: [{port: "443"}]}]
"""


@pytest.mark.parametrize(
    ("fqdn", "word"),
    [("api.contoso.com", "allow"), ("s3.amazonaws.com", "unknown"), ("fabrikam.com", "deny")],
)
def test_an_asterisk_within_one_label_leaves_other_names_certain(fqdn: str, word: str) -> None:
    """Whatever the asterisk stands for, every name of it ends with what follows."""
    assert verdict("cilium", {"policy.yaml": CILIUM_LABEL}, fqdn, protocol="tcp") == word


TERRAFORM_AWS = """{"resource": {"aws_networkfirewall_rule_group": {"egress": {"name": "egress-https-443", "rule_group": [{
 "rules_source": [{"rules_source_list": [{"generated_rules_type": "ALLOWLIST", "target_types": ["TLS_SNI"],
   "targets": [".amazonaws.com"]}]}],
 "stateful_rule_options": [{"rule_order": "ORDER"}]}]}}}}"""


@pytest.mark.parametrize(
    ("order", "fqdn", "word"),
    [
        ("DEFAULT_ACTION_ORDER", "s3.amazonaws.com", "allow"),
        ("DEFAULT_ACTION_ORDER", "fabrikam.com", "deny"),
        ("STRICT_ORDER", "s3.amazonaws.com", "allow"),
        ("STRICT_ORDER", "fabrikam.com", "unknown"),
    ],
)
def test_a_domain_list_is_read_as_terraform_spells_it(order: str, fqdn: str, word: str) -> None:
    """In strict order the policy's default actions decide about what a list leaves over."""
    files = {"main.tf.json": TERRAFORM_AWS.replace("ORDER", order)}
    assert verdict("aws-domain-list", files, fqdn) == word


SNI_PROXY = """frontend https-in
    bind *:443
    mode tcp
    tcp-request inspect-delay 5s
    tcp-request content accept if { req_ssl_hello_type 1 }
    acl allowed req.ssl_sni -i -m end .contoso.com
    acl bad req.ssl_sni -i bad.contoso.com
    use_backend nowhere if bad
    use_backend out if allowed
backend out
    server s 192.0.2.1:443
backend nowhere
"""


@pytest.mark.parametrize(
    ("fqdn", "word"),
    [
        ("www.contoso.com", "allow"),
        ("bad.contoso.com", "deny"),
        ("xcontoso.com", "deny"),
        ("fabrikam.com", "deny"),
    ],
)
def test_accept_of_a_client_hello_leaves_the_choice_of_the_backend(fqdn: str, word: str) -> None:
    """ "tcp-request content accept" ends its own rules and lets nothing through by itself."""
    assert verdict("haproxy", {"haproxy.cfg": SNI_PROXY}, fqdn) == word


def test_files_of_which_nothing_is_understood_do_not_deny() -> None:
    hcl = 'resource "aws_networkfirewall_rule_group" "x" {\n rule_group { targets = [".contoso.com"] }\n}\n'
    assert verdict("aws-domain-list", {"main.tf": hcl}, "www.contoso.com") == "unknown"
    assert troubles("aws-domain-list", {"main.tf": hcl}) == [(TroubleKind.UNREAD, "main.tf")]
    assert verdict("aws-domain-list", {"list.json": ""}, "www.contoso.com") == "deny"


def test_an_entry_that_no_client_sends_is_a_finding() -> None:
    chains = "filter_chains:\n- filter_chain_match: {server_names: ['contoso.com.']}\n  filters: [{name: envoy.filters.network.tcp_proxy}]\n"
    assert troubles("envoy-sni", {"envoy.yaml": chains}) == [(TroubleKind.DEAD, "contoso.com.")]
