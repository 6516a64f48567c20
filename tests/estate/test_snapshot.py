"""What people have is read, whatever tool printed it; what is not all there is refused or unknown, never absent."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.estate.unread import is_unread

GROUP_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups/clients"
IP_GROUP = {"id": GROUP_ID, "name": "clients", "properties": {"ipAddresses": ["10.0.0.0/24"]}}
POLICY_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/hub"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
RULES = {"priority": 100, "ruleCollections": []}


def _read(folder: Path, **files: Any) -> Estate:
    """The estate of ``files``: a name with ``_`` for its dot, and JSON, text or bytes."""
    for name, content in files.items():
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / name.replace("_", ".")).write_bytes(raw)
    return read_snapshot(folder)


def _addresses(estate: Estate) -> Any:
    body = estate.get(GROUP_ID)
    return body and body["properties"].get("ipAddresses")


@pytest.mark.parametrize(
    "content",
    [
        IP_GROUP,
        [IP_GROUP],
        {"value": [IP_GROUP]},
        {"count": 1, "data": [IP_GROUP], "skip_token": None, "total_records": 1},
        {"totalRecords": 1, "resultTruncated": "false", "data": [IP_GROUP]},
        {"data": {"columns": [{"name": key} for key in IP_GROUP], "rows": [list(IP_GROUP.values())]}},
        {
            "status": "Succeeded",
            "changes": [{"resourceId": GROUP_ID, "changeType": "Create", "after": IP_GROUP}],
        },
        {"properties": {"changes": [{"resourceId": GROUP_ID, "changeType": "Ignore", "before": IP_GROUP}]}},
        {"id": GROUP_ID.replace("/subs", "/Subs"), "name": "clients", "ipAddresses": ["10.0.0.0/24"]},
        {"Id": GROUP_ID, "Name": "clients", "Properties": {"IpAddresses": ["10.0.0.0/24"]}},
        json.dumps(IP_GROUP).encode("utf-16"),
        json.dumps(IP_GROUP).encode("utf-16-le"),
        b"\xef\xbb\xbf" + json.dumps(IP_GROUP).encode(),
        b"// what is deployed\n" + json.dumps(IP_GROUP).encode() + b"/* end */",
    ],
)
def test_every_form_of_a_resource_is_read(content: Any, tmp_path: Path) -> None:
    assert _addresses(_read(tmp_path, state_json=content)) == ["10.0.0.0/24"]


@pytest.mark.parametrize("name", ["STATE_JSON", "state_jsonc", "State_Json"])
def test_the_ending_may_be_written_in_any_case(name: str, tmp_path: Path) -> None:
    assert _addresses(_read(tmp_path, **{name: IP_GROUP})) == ["10.0.0.0/24"]


@pytest.mark.parametrize(
    ("content", "complaint", "advice"),
    [
        ({"data": [IP_GROUP], "skip_token": "x"}, "part of a longer answer", "skip-token"),
        ({"data": [IP_GROUP], "total_records": 7}, "part of a longer answer", "skip-token"),
        ({"data": [{"name": "clients"}]}, "without whole resources", "without 'project'"),
        ({"status": "Failed", "changes": []}, "did not succeed", "run it again"),
        ({"resource_changes": [], "terraform_version": "1.9"}, "no ARM resource", "Terraform"),
        ([{"ruleCollectionType": "x", "rules": []}], "no ARM resource", "rule-collection-group list"),
        ({"Id": GROUP_ID, "Properties": {"IpAddresses": ["System.Object[]"]}}, "cut it off", "-Depth 100"),
    ],
)
def test_what_is_not_whole_is_refused_with_advice_that_fits(
    content: Any, complaint: str, advice: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=complaint) as refused:
        _read(tmp_path, state_json=content)
    assert advice in refused.value.hint


def test_what_if_without_content_is_unknown_and_what_is_deleted_is_gone(tmp_path: Path) -> None:
    changes = [
        {"resourceId": GROUP_ID, "changeType": "Deploy"},
        {"resourceId": f"{GROUP_ID}2", "changeType": "Delete", "before": IP_GROUP},
    ]
    (body,) = _read(tmp_path, result_json={"status": "Succeeded", "changes": changes}).resources.values()
    assert is_unread(body)


@pytest.mark.parametrize(
    "more",
    [
        {
            "changes": [
                {"resourceId": GROUP_ID, "changeType": "Unsupported", "before": IP_GROUP, "after": IP_GROUP}
            ]
        },
        {"potentialChanges": [{"resourceId": GROUP_ID, "changeType": "Create", "after": IP_GROUP}]},
        {
            "changes": [{"resourceId": GROUP_ID, "changeType": "Ignore", "before": IP_GROUP}],
            "potentialChanges": [{"resourceId": GROUP_ID, "changeType": "Modify", "after": IP_GROUP}],
        },
    ],
)
def test_what_a_what_if_is_not_certain_of_is_unknown(more: dict[str, Any], tmp_path: Path) -> None:
    result = {"status": "Succeeded", "changes": [], **more}
    (body,) = _read(tmp_path, result_json=result).resources.values()
    assert is_unread(body)


def test_a_deployment_that_a_what_if_did_not_go_into_is_told(tmp_path: Path) -> None:
    module = GROUP_ID.rpartition("/providers/")[0] + "/providers/Microsoft.Resources/deployments/rules"
    skipped = {"level": "Warning", "code": "NestedDeploymentShortCircuited", "target": module, "message": "m"}
    change = {"resourceId": GROUP_ID, "changeType": "NoChange", "before": IP_GROUP, "after": IP_GROUP}
    result = {"status": "Succeeded", "properties": {"changes": [change], "diagnostics": [skipped]}}
    estate = _read(tmp_path, result_json=result)
    assert _addresses(estate) == ["10.0.0.0/24"]
    assert any("deployment rules (NestedDeploymentShortCircuited)" in str(one) for one in estate.unreadable)


def test_null_is_what_the_command_line_prints_for_nothing(tmp_path: Path) -> None:
    """Rows of Resource Graph hold what was answered, and null there says nothing."""
    account = {
        "id": GROUP_ID.replace("Microsoft.Network/ipGroups", "Microsoft.CognitiveServices/accounts"),
        "name": "clients",
        "resourceGroup": "rg",
        "properties": {"restrictOutboundNetworkAccess": None},
    }
    (printed,) = _read(tmp_path, a_json=account).resources.values()
    (row,) = _read(tmp_path, a_json={**account, "subscriptionId": "s"}).resources.values()
    assert (printed["properties"], row["properties"]) == ({}, account["properties"])


def test_groups_that_powershell_printed_without_ids_belong_to_the_parent_that_is_named(
    tmp_path: Path,
) -> None:
    policy = GROUP_ID.rpartition("/providers/")[0] + "/providers/Microsoft.Network/firewallPolicies/afwp"
    rule = {"RuleType": "ApplicationRule", "Name": "r", "TargetFqdns": ["a.example"], "FqdnTags": None}
    collection = {"Name": "c", "Priority": 100, "Action": {"Type": "Allow"}, "Rules": [rule]}
    groups = [{"Name": "g", "Properties": {"Priority": 200, "RuleCollection": [collection]}}]
    (tmp_path / "groups.json").write_text(json.dumps(groups), encoding="utf-16")
    estate = read_snapshot(tmp_path, parent=policy)
    body = estate.get(f"{policy}/ruleCollectionGroups/g")
    assert body is not None
    (read,) = body["properties"]["ruleCollections"][0]["rules"]
    assert (body["properties"]["priority"], "fqdnTags" in read) == (200, False)


def test_outbound_rules_as_the_machine_learning_extension_lists_them(tmp_path: Path) -> None:
    hub = (
        GROUP_ID.rpartition("/providers/")[0] + "/providers/Microsoft.MachineLearningServices/workspaces/hub"
    )
    listed = [
        {
            "name": "a",
            "type": "fqdn",
            "category": "user_defined",
            "destination": "a.example",
            "status": "active",
        },
        {"name": "t", "type": "service_tag", "destination": {"service_tag": "Storage", "port_ranges": "443"}},
    ]
    (tmp_path / "rules.json").write_text(json.dumps(listed))
    estate = read_snapshot(tmp_path, parent=hub)
    rules = [estate.get(f"{hub}/outboundRules/{name}") for name in "at"]
    assert [rule and sorted(rule["properties"]) for rule in rules] == [
        ["category", "destination", "status", "type"],
        ["destination", "type"],
    ]
    tagged = [rule["properties"]["destination"] for rule in rules if rule][1]
    assert tagged == {"serviceTag": "Storage", "portRanges": "443"}


def test_two_different_copies_of_a_resource_are_refused_with_both_files(tmp_path: Path) -> None:
    other = {**IP_GROUP, "properties": {"ipAddresses": ["10.9.0.0/24"]}}
    with pytest.raises(InvalidInput, match=r"b\.json and .*a\.json hold"):
        _read(tmp_path, a_json=IP_GROUP, b_json=other)


def test_equal_copies_of_a_resource_are_one(tmp_path: Path) -> None:
    assert len(_read(tmp_path, a_json=IP_GROUP, b_json={**IP_GROUP, "etag": "new"}).resources) == 1


def test_a_property_that_stands_twice_in_two_letter_cases_is_unknown(tmp_path: Path) -> None:
    twice = {"ipAddresses": ["10.0.0.0/24"], "IPAddresses": ["10.9.0.0/24"]}
    assert str(_addresses(_read(tmp_path, a_json={**IP_GROUP, "properties": twice}))).startswith("[")


def test_groups_that_a_policy_lists_and_nobody_saved_are_unknown(tmp_path: Path) -> None:
    listed = [{"id": f"{POLICY_ID}/ruleCollectionGroups/deny"}]
    policy = {"id": POLICY_ID, "name": "hub", "properties": {"ruleCollectionGroups": listed}}
    (child,) = _read(tmp_path, policy_json=policy).children(POLICY_ID, "ruleCollectionGroups")
    assert is_unread(child)
    assert "rule-collection-group list" in str(child["properties"])


def test_a_parent_policy_that_nobody_saved_is_unknown_with_its_rules(tmp_path: Path) -> None:
    base = POLICY_ID.replace("hub", "base")
    policy = {"id": POLICY_ID, "name": "hub", "properties": {"basePolicy": {"id": base}}}
    estate = _read(tmp_path, policy_json=policy)
    assert all(is_unread(body) for body in estate.children(base, "ruleCollectionGroups"))
    assert is_unread(estate.get(base) or {})


def _template(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "resources": list(resources), **more}


POLICY = {"type": "Microsoft.Network/firewallPolicies", "name": "hub", "properties": {}}


@pytest.mark.parametrize(
    "module",
    [
        {"templateLink": {"uri": "https://templates.contoso.com/rules.json"}},
        {"template": "[parameters('rules')]"},
        {"template": {"resources": "[parameters('rules')]"}},
        {"template": {"resources": []}, "expressionEvaluationOptions": {"scope": "[parameters('rules')]"}},
    ],
)
def test_a_module_that_cannot_be_read_may_add_rules(module: dict[str, Any], tmp_path: Path) -> None:
    deployment = {"type": "Microsoft.Resources/deployments", "name": "rules", "properties": module}
    template = _template(POLICY, deployment, parameters={"rules": {"type": "object"}})
    estate = _read(tmp_path, main_json=template)
    (policy,) = estate.of_type("Microsoft.Network/firewallPolicies")
    (child,) = estate.children(policy["id"], "ruleCollectionGroups")
    assert is_unread(child)
    assert estate.unreadable


@pytest.mark.parametrize("name", ["[concat(parameters('unset'), '/g')]", "[parameters('unset')]"])
def test_a_group_whose_parent_is_an_expression_may_be_any_policys(name: str, tmp_path: Path) -> None:
    group = {
        "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        "name": name,
        "properties": RULES,
    }
    template = _template(POLICY, group, parameters={"unset": {"type": "string"}})
    estate = _read(tmp_path, main_json=template)
    (policy,) = [
        body for body in estate.of_type("Microsoft.Network/firewallPolicies") if body["name"] == "hub"
    ]
    assert [is_unread(child) for child in estate.children(policy["id"], "ruleCollectionGroups")] == [True]


def _parameters(**values: Any) -> dict[str, Any]:
    given = {name: {"value": value} for name, value in values.items()}
    return {"$schema": SCHEMA.replace("Template", "Parameters"), "parameters": given}


_DECLARED = _template(
    {"type": "Microsoft.Network/ipGroups", "name": "g", "properties": {"ipAddresses": "[parameters('p')]"}},
    parameters={"p": {"type": "array", "defaultValue": ["10.0.0.1"]}},
)


@pytest.mark.parametrize(
    ("files", "known"),
    [
        ({}, ["10.0.0.1"]),
        ({"main_parameters_json": _parameters(p=["10.0.0.2"])}, ["10.0.0.2"]),
        ({"params_prod_json": _parameters(P=["10.0.0.2"])}, ["10.0.0.2"]),
        (
            {"main_a_json": _parameters(p=["10.0.0.2"]), "main_b_json": _parameters(p=["10.0.0.2"])},
            ["10.0.0.2"],
        ),
        ({"main_a_json": _parameters(p=["10.0.0.2"]), "main_b_json": _parameters(p=["10.0.0.3"])}, None),
        ({"other_json": _parameters(p=["10.0.0.2"], q=1)}, None),
        ({"main_parameters_json": _parameters(p=None)}, None),
    ],
)
def test_a_parameter_file_counts_by_whatever_name(files: dict[str, Any], known: Any, tmp_path: Path) -> None:
    (body,) = _read(tmp_path, main_json=_DECLARED, **files).resources.values()
    found = body["properties"]["ipAddresses"]
    assert found == known if known else str(found).startswith("[")


@pytest.mark.parametrize(
    "resource",
    [
        {"name": "g", "copy": {"name": "c", "count": 100_000_000}},
        {"name": "g", "properties": {"x": "[variables('v19')]"}},
        {"name": "g", "properties": {"x": "[padLeft('a', 2000000000)]"}},
    ],
)
def test_a_template_that_grows_without_end_is_refused(resource: dict[str, Any], tmp_path: Path) -> None:
    doubled = {f"v{n + 1}": f"[createArray(variables('v{n}'), variables('v{n}'))]" for n in range(19)}
    template = _template(
        {"type": "Microsoft.Network/ipGroups", **resource}, variables={"v0": ["a"], **doubled}
    )
    with pytest.raises(InvalidInput, match=r"main\.json:1:1 is not worked out"):
        _read(tmp_path, main_json=template)


def test_variables_that_use_each_other_many_times_are_worked_out_once(tmp_path: Path) -> None:
    chain = {
        f"v{n + 1}": f"[createObject('a', length(string(variables('v{n}'))), 'b', variables('v{n}').a)]"
        for n in range(40)
    }
    resource = {
        "type": "Microsoft.Network/ipGroups",
        "name": "g",
        "properties": {"x": "[variables('v15').a]"},
    }
    (body,) = _read(
        tmp_path, main_json=_template(resource, variables={"v0": {"a": 1}, **chain})
    ).resources.values()
    assert isinstance(body["properties"]["x"], int)


def test_what_waits_for_itself_is_unknown(tmp_path: Path) -> None:
    loop = {"a": "[variables('b')]", "b": "[variables('a')]"}
    resource = {"type": "Microsoft.Network/ipGroups", "name": "g", "properties": {"x": "[variables('a')]"}}
    (body,) = _read(tmp_path, main_json=_template(resource, variables=loop)).resources.values()
    assert body["properties"]["x"] == "[variables('a')]"


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InvalidInput, match="no regular file"):
        read_snapshot(tmp_path)


def test_linked_folders_in_a_ring_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(_read(tmp_path, a_json=IP_GROUP).resources) == 1


def test_what_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    with pytest.raises(InvalidInput, match="levels deep"):
        _read(tmp_path, a_json={**IP_GROUP, "properties": {"x": deep}})


def test_outbound_rules_of_az_ml_are_those_of_arm(tmp_path: Path) -> None:
    workspace = {
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w",
        "name": "w",
        "managed_network": {
            "isolation_mode": "allow_only_approved_outbound",
            "outbound_rules": [
                {"name": "pypi", "type": "fqdn", "destination": "files.example", "category": "user_defined"}
            ],
        },
    }
    (body,) = _read(tmp_path, show_json=workspace).resources.values()
    network = body["properties"]["managedNetwork"]
    assert network["isolationMode"].lower() == "allowonlyapprovedoutbound"
    assert network["outboundRules"]["pypi"]["destination"] == "files.example"
    assert "name" not in network["outboundRules"]["pypi"]


def test_of_listed_rules_that_share_a_name_none_is_taken_for_the_one_in_force(tmp_path: Path) -> None:
    rules = [
        {"name": "pypi", "type": "fqdn", "destination": "files.example"},
        {"name": "PyPI", "type": "fqdn", "destination": "wheels.example"},
        {"name": "models", "type": "fqdn", "destination": "models.example"},
    ]
    workspace = {
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w",
        "name": "w",
        "managed_network": {"isolation_mode": "allow_only_approved_outbound", "outbound_rules": rules},
    }
    (body,) = _read(tmp_path, show_json=workspace).resources.values()
    found = body["properties"]["managedNetwork"]["outboundRules"]
    assert found["pypi"] == {"type": "[several rules named pypi]"}
    assert found["models"]["destination"] == "models.example"


def test_what_a_bicep_parameter_file_gives_is_unknown(tmp_path: Path) -> None:
    source = b"using './main.bicep'\nparam p = [\n  '10.0.0.2'\n]\n"
    estate = _read(tmp_path, prod_bicepparam=source, main_json=_DECLARED)
    (body,) = estate.resources.values()
    assert body["properties"]["ipAddresses"] == "[parameters('p')]"
    assert "az bicep build-params" in str(estate.unreadable[0])


def test_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "input").write_text(json.dumps(IP_GROUP), "utf-8")
    with (tmp_path / "input").open(encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert _addresses(read_snapshot(Path("-"))) == ["10.0.0.0/24"]


ACCOUNT_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/ai"
NETWORK_ID = f"{ACCOUNT_ID}/managedNetworks/default"


def test_a_managed_network_that_an_account_announces_is_unknown(tmp_path: Path) -> None:
    injections = [{"scenario": "agent", "useMicrosoftManagedNetwork": True}]
    account = {"id": ACCOUNT_ID, "name": "ai", "properties": {"networkInjections": injections}}
    network = _read(tmp_path, account_json=account).get(NETWORK_ID)
    assert network is not None
    assert is_unread(network)


def test_a_network_shown_without_its_rules_has_some_that_are_unknown(tmp_path: Path) -> None:
    network = {"isolationMode": "AllowOnlyApprovedOutbound"}
    body = {"id": NETWORK_ID, "name": "default", "properties": {"managedNetwork": network}}
    found = _read(tmp_path, network_json=body).get(NETWORK_ID)
    assert found is not None
    assert str(found["properties"]["managedNetwork"]["outboundRules"]["not-listed"]["type"]).startswith("[")


def test_rules_of_an_account_may_stand_as_resources_of_their_own(tmp_path: Path) -> None:
    network = {"isolationMode": "AllowOnlyApprovedOutbound"}
    rule = {
        "id": f"{NETWORK_ID}/outboundRules/hub",
        "name": "hub",
        "properties": {"type": "FQDN", "destination": "a.com"},
    }
    body = {"id": NETWORK_ID, "name": "default", "properties": {"managedNetwork": network}}
    found = _read(tmp_path, all_json=[body, rule]).get(NETWORK_ID)
    assert found is not None
    assert list(found["properties"]["managedNetwork"]["outboundRules"]) == ["hub"]


FOREIGN: dict[str, dict[str, Any]] = {
    "form.json": {
        "$schema": "https://schema.management.azure.com/schemas/2021-09-09/uiFormDefinition.schema.json"
    },
    "policy.json": {"properties": {"policyRule": {"if": {}, "then": {"effect": "audit"}}}},
    "set.json": {"name": "s", "properties": {"policyDefinitions": []}},
    "workbook.json": {"version": "Notebook/1.0", "items": []},
    "package.json": {"name": "x", "version": "1.0.0"},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_state_is_passed_over_in_a_folder_and_named_by_itself(name: str, tmp_path: Path) -> None:
    vault = "/subscriptions/s/resourceGroups/r/providers/Microsoft.KeyVault/vaults/kv"
    (tmp_path / "estate.json").write_text(json.dumps([{"id": vault, "properties": {}}]))
    (tmp_path / name).write_text(json.dumps(FOREIGN[name]))
    hidden = tmp_path / ".terraform" / "modules"
    hidden.mkdir(parents=True)
    (hidden / "modules.json").write_text('{"Modules": []}')
    assert read_snapshot(tmp_path).get(vault) is not None
    with pytest.raises(InvalidInput, match="and holds no resource"):
        read_snapshot(tmp_path / name)


def test_what_nobody_knows_makes_a_folder_unread(tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text('{"rules": ["a.example"]}')
    with pytest.raises(InvalidInput, match="no ARM resource"):
        read_snapshot(tmp_path)


def test_expressions_of_a_workflow_are_not_what_a_shell_cut_off(tmp_path: Path) -> None:
    flow = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Logic/workflows/w"
    for text, cut in (("@{body('x')}", False), ("@{name=a; rules=System.Object[]}", True)):
        # Keys in another letter case: only what a shell rewrote is looked at.
        (tmp_path / "x.json").write_text(json.dumps({"Id": flow, "Properties": {"a": text}}))
        if cut:
            with pytest.raises(InvalidInput, match="cut it off"):
                read_snapshot(tmp_path)
        else:
            assert read_snapshot(tmp_path).get(flow) is not None


WORKSPACE_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/ws"


@pytest.mark.parametrize("properties", [{}, {"properties": None}])
@pytest.mark.parametrize("named", [POLICY_ID, WORKSPACE_ID, GROUP_ID])
def test_a_list_of_resources_without_their_properties_says_nothing_about_them(
    named: str, properties: dict[str, Any], tmp_path: Path
) -> None:
    listed = {"id": named, "name": "x", "location": "westeurope", "kind": None, "tags": None, **properties}
    body = _read(tmp_path, all_json=[{**listed, "changedTime": "2026-01-01T00:00:00Z"}]).get(named)
    assert body is not None
    assert is_unread(body)
    assert f"az resource show --ids {named}" in str(body["properties"])


def test_a_template_may_leave_properties_out(tmp_path: Path) -> None:
    policy = {"type": "Microsoft.Network/firewallPolicies", "apiVersion": "2024-05-01", "name": "hub"}
    template = {"$schema": SCHEMA, "resources": [policy]}
    (body,) = _read(tmp_path, main_json=template).resources.values()
    assert not is_unread(body)


def test_one_resource_named_in_two_letter_cases_is_one_of_which_the_rest_is_unknown(tmp_path: Path) -> None:
    """Two modules deploy the same names in their own spelling: whichever comes last decides, and it keeps its id."""
    kind = "Microsoft.Network/ipGroups"
    one = {"type": kind, "name": "Clients", "properties": {"ipAddresses": ["10.0.0.0/24"]}}
    other = {"type": kind.lower(), "name": "clients", "properties": {"ipAddresses": ["10.9.0.0/24"]}}
    twins = [{**item, "name": f"{item['name']}2"} for item in (one, other)]
    template = {"$schema": SCHEMA, "resources": [one, other, *twins]}
    bodies = _read(tmp_path, main_json=template).resources.values()
    assert sorted(body["id"].rpartition("/")[2] for body in bodies) == ["clients", "clients2"]
    assert all("10." not in str(body["properties"]) for body in bodies)
