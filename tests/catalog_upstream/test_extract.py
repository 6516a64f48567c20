"""What the extraction takes from a page, shown on small pages of every shape documentation uses."""

from textwrap import dedent

import pytest

from allowlist.catalog.upstream.extract import extract_rows
from allowlist.catalog.upstream.ports import parse_ports
from allowlist.catalog.upstream.row import Row


def read(text: str, page: str = "articles/contoso/firewall.md") -> tuple[Row, ...]:
    return extract_rows(dedent(text), page)


def values(text: str, page: str = "articles/contoso/firewall.md") -> list[str]:
    return [row.value for row in read(text, page)]


def test_a_table_gives_its_host_column_and_not_its_descriptions() -> None:
    rows = read("""\
        | Host name | Port | Purpose |
        | --- | --- | --- |
        | `a.contoso.com`<br>`*.b.contoso.com` | 443 | Opens `c.contoso.com` for you. |
        """)

    assert [(row.line, row.value, row.ports) for row in rows] == [
        (3, "a.contoso.com", "443"),
        (3, "*.b.contoso.com", "443"),
    ]


def test_a_table_without_a_telling_title_gives_the_column_that_is_made_of_hosts() -> None:
    text = """\
        These resources must be reachable.

        | Agent resource | When required |
        | --- | --- |
        | `a.contoso.com` | Always |
        | `b.contoso.com` or `c.contoso.com` | Always |
        """

    assert values(text) == ["a.contoso.com", "b.contoso.com", "c.contoso.com"]


def test_keys_that_only_look_like_hosts_are_no_destinations() -> None:
    text = """\
        Labels a node may carry, network labels among them:

        | Label | Value |
        | --- | --- |
        | `kubernetes.contoso.com/zone` | any |
        | `spec.security.activeDirectory.connector.name` | any |
        | `Microsoft.App` | any |
        | `main.py` | any |
        """

    assert values(text) == []


def test_a_lying_table_is_read_rule_by_rule() -> None:
    rows = read("""\
        | Setting | First rule | Second rule |
        | --- | --- | --- |
        | Source | VirtualNetwork | VirtualNetwork |
        | Destination service tag | `AzureMonitor` | `Storage` |
        | Destination port ranges | 443 | 445 |
        | Protocol | TCP | TCP |
        """)

    assert [(row.value, row.ports) for row in rows] == [("AzureMonitor", "TCP 443"), ("Storage", "TCP 445")]


def test_a_rule_table_names_the_far_side_of_each_direction() -> None:
    rows = read("""\
        | Direction | Source service tag | Destination service tag | Destination port ranges | Protocol |
        | --- | --- | --- | --- | --- |
        | Inbound | ApiManagement | VirtualNetwork | 3443 | TCP |
        | Outbound | VirtualNetwork | Sql | 1433 | TCP |
        | Inbound & Outbound | VirtualNetwork | Virtual Network | 6380 | TCP |
        """)

    assert [(row.value, row.direction, row.ports) for row in rows] == [
        ("ApiManagement", "inbound", "TCP 3443"),
        ("Sql", "outbound", "TCP 1433"),
        ("Virtual Network", "both", "TCP 6380"),
    ]
    assert rows[2].flags == ("no service tag is called 'Virtual Network'; did you mean 'VirtualNetwork'?",)


def test_dns_zones_and_their_forwarders_are_kinds_of_their_own() -> None:
    rows = read("""\
        | Resource type | Private DNS zone name | Public DNS zone forwarders |
        | --- | --- | --- |
        | Contoso | privatelink.contoso.com | contoso.com </br> {regionName}.contoso.com |
        """)

    assert [(row.kind, row.value) for row in rows] == [
        ("private_dns_zone", "privatelink.contoso.com"),
        ("dns_forwarder", "contoso.com"),
        ("dns_forwarder", "{regionName}.contoso.com"),
    ]


def test_an_address_column_gives_addresses() -> None:
    rows = read("""\
        | URL | IP | Ports |
        | --- | --- | --- |
        | a.contoso.com | 192.0.2.7<br/>198.51.100.0/24 | 443 |
        """)

    assert [(row.kind, row.value) for row in rows] == [
        ("fqdn", "a.contoso.com"),
        ("ip_range", "192.0.2.7"),
        ("ip_range", "198.51.100.0/24"),
    ]


def test_html_lists_in_a_cell_are_lines() -> None:
    text = """\
        | Azure environment | Endpoints |
        | --- | --- |
        | Azure Government | <ul><li>a.contoso.com</li><li>b.contoso.com</li></ul> |
        """

    assert [(row.value, row.cloud) for row in read(text)] == [
        ("a.contoso.com", "usgov"),
        ("b.contoso.com", "usgov"),
    ]


def test_wildcards_without_marks_keep_their_asterisks() -> None:
    text = """\
        Allow traffic to the following hosts:

        *.a.contoso.com
        *.b.contoso.com
        c.contoso.com

        | URL |
        | --- |
        | d.contoso.com<br/>*.e.contoso.com<br/>*.f.contoso.com |
        | \\*.g.contoso.com |
        """

    assert values(text) == [
        "*.a.contoso.com", "*.b.contoso.com", "c.contoso.com",
        "d.contoso.com", "*.e.contoso.com", "*.f.contoso.com", "*.g.contoso.com",
    ]  # fmt: skip


def test_scheme_port_and_path_are_taken_off() -> None:
    (row,) = read("""\
        | Endpoint |
        | --- |
        | `https://<region>.contoso.com:8084/path/x` |
        """)

    assert (row.value, row.ports, row.scheme, row.path) == (
        "<region>.contoso.com",
        "8084",
        "https",
        "/path/x",
    )


@pytest.mark.parametrize(
    "written",
    ["<region>.contoso.com", "{region}.contoso.com", "<your ACR name>.contoso.com", "&lt;x&gt;.contoso.com"],
)
def test_placeholders_stay_as_written(written: str) -> None:
    text = f"| FQDN |\n| --- |\n| {written} |\n"

    assert values(text) == [written.replace("&lt;", "<").replace("&gt;", ">")]


def test_the_ways_one_cell_offers_are_told_and_an_address_to_fill_in_is_no_row_beside_them() -> None:
    first, second = read("""\
        | Destination endpoint | Protocol | Port |
        | --- | --- | --- |
        | **`*:1194`** <br/> *Or* <br/> [ServiceTag](x.md) - **`AzureCloud.<Region>:1194`** <br/> *Or* <br/> **`ServerIP:1194`** | UDP | 1194 |
        """)

    assert (first.kind, first.value, first.ports) == ("any_destination", "*", "UDP 1194")
    assert (second.kind, second.value) == ("service_tag", "AzureCloud.<Region>")
    assert second.alternatives == ("*", "ServerIP")


def test_an_address_to_fill_in_alone_is_a_placeholder() -> None:
    (row,) = read("""\
        | Destination endpoint | Protocol | Port |
        | --- | --- | --- |
        | **`CustomDNSIP:53`** `(if using custom DNS servers)` | UDP | 53 |
        """)

    assert (row.kind, row.value, row.need) == ("placeholder", "CustomDNSIP", "conditional")


@pytest.mark.parametrize(
    ("cell", "cloud"),
    [
        ("`a.contoso.com` (Azure Government)", "usgov"),
        ("`a.contoso.com` (Azure operated by 21Vianet)", "china"),
        ("**Azure China:**<br> a.contoso.com:443", "china"),
        ("**Azure Germany:**<br> a.contoso.com:443", "germany"),
        ("`a.contoso.cn`", "china"),
        ("`a.usgovcloudapi.net`", "usgov"),
        ("`a.contoso.com`", "public"),
    ],
)
def test_the_cloud_comes_from_brackets_labels_and_suffixes(cell: str, cloud: str) -> None:
    (row,) = read(f"| Endpoint |\n| --- |\n| {cell} |\n")

    assert row.cloud == cloud
    assert row.cloud_is_stated == (cloud != "public")


def test_tabs_headings_labels_and_the_file_name_give_the_cloud_too() -> None:
    text = """\
        ## Endpoints

        # [Azure public](#tab/a)

        | URL |
        | --- |
        | `a.contoso.com` |

        ### Inner title

        # [Azure Government](#tab/b)

        | URL |
        | --- |
        | `b.contoso.com` |

        ---

        | Scenario | URL |
        | --- | --- |
        | Azure China: pulling images | `c.contoso.com` |
        | All | `d.contoso.com` |

        ### Azure US Government

        * `e.contoso.com`
        """
    rows = read(text, "articles/network-requirements-azure-china.md")

    assert [(row.value, row.cloud, row.section) for row in rows] == [
        ("a.contoso.com", "public", "Azure public"),
        ("b.contoso.com", "usgov", "Azure Government"),
        ("c.contoso.com", "china", "Endpoints"),
        ("d.contoso.com", "china", "Endpoints"),
        ("e.contoso.com", "usgov", "Azure US Government"),
    ]


def test_a_value_of_another_cloud_is_flagged() -> None:
    (row,) = read("## Azure public cloud\n\n| URL |\n| --- |\n| `a.contoso.cn` |\n")

    assert row.flags == ("listed for public, but the suffix belongs to china",)


def test_lists_give_the_names_their_items_begin_with() -> None:
    text = """\
        Allow these hosts in your firewall:

        * `a.contoso.com` - download of `x.contoso.com`
        * b.contoso.com
        * c.contoso.com (only in Europe)
        * `d.contoso.com`, `e.contoso.com`
        * See f.contoso.com for more
        * [g.contoso.com](https://g.contoso.com)
        * Learn about `h.contoso.com`
        """

    assert values(text) == [
        "a.contoso.com",
        "b.contoso.com",
        "c.contoso.com",
        "d.contoso.com",
        "e.contoso.com",
    ]


def test_a_rule_written_as_labelled_items_is_one_rule() -> None:
    rows = read("""\
        Add the following rule to your firewall:

        * __Name__: AllowContoso
        * __Source IP Addresses__: The range, for example `172.16.0.0/24`.
        * __Target FQDN__: `a.contoso.com`, `b.contoso.com`
        * __Protocol__: `Https:443`
        """)

    assert [(row.value, row.ports) for row in rows] == [
        ("a.contoso.com", "Https:443"),
        ("b.contoso.com", "Https:443"),
    ]


def test_tag_lists_take_even_a_misspelt_tag_and_say_so() -> None:
    rows = read("""\
        __Outbound__ service tag rules:

        * `AzureMonitor`
        * `Azure Machine Learning`
        * `BatchNodeManagement.region`

        __Inbound__ service tag rules:
        * `AzureMachineLearning`
        """)

    assert [(row.value, row.direction, bool(row.flags)) for row in rows] == [
        ("AzureMonitor", "outbound", False),
        ("Azure Machine Learning", "outbound", True),
        ("BatchNodeManagement.region", "outbound", False),
        ("AzureMachineLearning", "inbound", False),
    ]


def test_lists_about_other_tags_and_stages_are_no_tags() -> None:
    text = """\
        Choose unique tags, with these advantages:

        * **Build ID**: comes from your pipeline
        * `date-stamp`
        """

    assert values(text) == []


def test_code_without_a_language_is_a_list_and_code_with_one_is_a_sample() -> None:
    text = """\
        ## URLs to allow

        ```
        a.contoso.com
        *.b.contoso.com (a comment)
        ```

        ```yaml
        c.contoso.com
        ```

        ```output
        d.contoso.com
        ```

        ```
        $ allow e.contoso.com
        ```

        ```
        https://f.contoso.com/v1/call
        ```
        """

    assert values(text) == ["a.contoso.com", "*.b.contoso.com"]


@pytest.mark.parametrize(
    "sentence",
    [
        "To allow X, allow __outbound__ traffic to `a.contoso.com`.",
        "Allow access to all accounts using the wildcard `a.contoso.com`, or a range.",
        "In such cases, `a.contoso.com` must also be accessible.",
        "The service needs outbound connectivity on ports `80` and `443` to `a.contoso.com`.",
        "Outbound access to `a.contoso.com` on port 443 is required to send logs.",
        "Optionally enable data endpoints, using the form `a.contoso.com`.",
        "If the index is overwritten, you must also allow `a.contoso.com`.",
        "Clients may occasionally reach [http://a.contoso.com/x](http://a.contoso.com/x).",
        "Allow it: open port 443 to `a.contoso.com`.",
    ],
)
def test_a_sentence_that_demands_a_name_gives_it(sentence: str) -> None:
    assert values(sentence + "\n") == ["a.contoso.com"]


@pytest.mark.parametrize(
    "sentence",
    [
        "For example, you should allow access to `a.contoso.com`.",
        "Allow access to the registry, such as `a.contoso.com`.",
        "This endpoint is the login server. Example: `a.contoso.com`",
        "A registry must access data from an endpoint of the form `a.contoso.com`.",
        "Each one gets an endpoint of the form `a.contoso.com`.",
        "The simplest option is to allowlist the suffixes `a.contoso.com` and more.",
        "Allowlisting `a.contoso.com` alone is not sufficient.",
        "Access to `a.contoso.com` is no longer required.",
        "You might notice traffic towards `a.contoso.com`.",
        "To allow traffic to the server, set `a.contoso.com/set-a-key` in your spec.",
        "Consider a mirror (`a.contoso.com`) instead.",
        "See [a.contoso.com](https://a.contoso.com) to allow access to nothing.",
        "You can allow access to a.contoso.com in plain words.",
        "Blocking access to `a.contoso.com` should not cause any issues.",
    ],
)
def test_a_sentence_that_only_mentions_a_name_gives_nothing(sentence: str) -> None:
    assert values(sentence + "\n") == []


def test_a_name_that_a_description_demands_is_conditional() -> None:
    _, row = read("""\
        | Host name | Purpose |
        | --- | --- |
        | `a.contoso.com` | The index. If you overwrite it, also allow `*.b.contoso.com`. |
        """)

    assert (row.value, row.need, row.in_purpose) == ("*.b.contoso.com", "conditional", True)


def test_tags_in_a_sentence_count_when_they_are_required_and_not_when_they_are_advice() -> None:
    text = """\
        The service tags required to open it (with sign-in) are **AzureMonitor** and **Storage**.

        To be safe, use the service tags `ActionGroup` and `Sql`.

        You must also allow __outbound__ access to `Keyvault.<region>` on __port 445__.

        Enable port 443 inbound from **GatewayManager** service tag.
        """
    rows = read(text)

    assert [(row.value, row.ports, row.direction) for row in rows] == [
        ("AzureMonitor", "", "outbound"),
        ("Storage", "", "outbound"),
        ("Keyvault.<region>", "445", "outbound"),
        ("GatewayManager", "443", "inbound"),
    ]
    assert "AzureKeyVault" in rows[2].flags[0]


@pytest.mark.parametrize(
    ("sentence", "ports"),
    [
        ("You must allow network traffic to ports 8704 to 8710.", "8704-8710"),
        ("Allow outbound UDP access on port `123` for NTP.", "UDP 123"),
    ],
)
def test_ports_without_a_host_are_a_requirement_of_their_own(sentence: str, ports: str) -> None:
    (row,) = read(sentence + "\n")

    assert (row.kind, row.ports) == ("port_only", ports)


@pytest.mark.parametrize(
    "sentence",
    [
        "FQDN rules only support ports 80 and 443.",
        "Open ports 80 and 443 for incoming traffic.",
        "Add a rule to allow TCP communication to port 443 of your server's address.",
    ],
)
def test_ports_that_are_a_limit_or_come_in_or_have_a_host_are_none(sentence: str) -> None:
    assert values(sentence + "\n") == []


def test_ports_stated_in_sentences_reach_the_rows_they_speak_of() -> None:
    below = (
        "Allow the following hosts (all over HTTPS / port 443):\n\n| Host |\n| --- |\n| `a.contoso.com` |\n"
    )
    above = "* `a.contoso.com`\n\n> [!NOTE]\n> Traffic to these endpoints uses HTTP (port 80) and HTTPS (port 443).\n"
    page = "All endpoints are reached over port 8443.\n\n## More\n\nAllow access to `a.contoso.com`.\n"
    own = "All endpoints are reached over port 8443.\n\n| URL |\n| --- |\n| `a.contoso.com:22` |\n"

    stated = [read(text, "firewall.md")[0].ports for text in (below, above, page, own)]

    assert stated == ["443", "80, 443", "8443", "22"]


def test_notes_keep_their_own_lists_and_the_lead_before_them() -> None:
    text = """\
        Allow traffic to the following hosts:

        > [!WARNING]
        > If you use the subnet, open outbound traffic to the following hosts:
        > * `a.contoso.com`

        * `b.contoso.com`
        """

    assert values(text) == ["a.contoso.com", "b.contoso.com"]


def test_examples_and_what_is_no_longer_needed_are_left_out() -> None:
    text = """\
        The following table shows example names:

        | FQDN |
        | --- |
        | `a.contoso.com` |

        The following hosts are no longer required:

        * `b.contoso.com`

        | URL | Purpose |
        | --- | --- |
        | An example is `c.contoso.com` | x |
        """

    assert values(text) == []


def test_front_matter_comments_and_includes_are_no_content() -> None:
    text = """\
        ---
        title: a.contoso.com
        ---
        <!-- `b.contoso.com` -->
        [!INCLUDE [c.contoso.com](../includes/c.md)]
        :::image source="d.contoso.com":::
        <img src="https://e.contoso.com"/>
        """

    assert values(text) == []


def test_a_name_in_another_alphabet_is_not_taken_for_its_ascii_tail() -> None:
    assert values("| URL |\n| --- |\n| `аzure.contoso.com` |\n") == []


@pytest.mark.parametrize(
    ("written", "ports"),
    [
        ("HTTPS:443", {"https:443"}),
        ("80,443", {"80", "443"}),
        ("UDP 1194", {"udp:1194"}),
        ("443, 8787<br>UDP: 5831", {"443", "8787", "udp:5831"}),
        ("6381 - 6383", {"6381-6383"}),
        ("8704 to 8710", {"8704-8710"}),
        ("[80], 443", {"80", "443"}),
        ("TCP 443, 445", {"tcp:443", "tcp:445"}),
        ("any", set()),
        ("70000", set()),
    ],
)
def test_ports_are_compared_by_meaning(written: str, ports: set[str]) -> None:
    assert {str(port) for port in parse_ports(written)} == ports
