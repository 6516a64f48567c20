"""Terraform itself with the provider of this folder: ``Terraform(folder).plan(TEXT)`` is what ``show -json`` prints of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.terraform.schema import schema_of

ROOT = os.environ.get("ALLOWLIST_TERRAFORM", "")
"""A folder with ``bin/python``, which has the package ``tf``, and ``node_modules/@cdktf/provider-azurerm``."""
BINARY = shutil.which("terraform") or shutil.which("tofu") or ""
FOLDERS = (
    "ai-foundry", "ai-services", "cognitive-account", "firewall", "firewall-application-rule-collection",
    "firewall-nat-rule-collection", "firewall-network-rule-collection", "firewall-policy",
    "firewall-policy-rule-collection-group", "ip-group", "ip-group-cidr", "machine-learning-workspace",
    "machine-learning-workspace-network-outbound-rule-fqdn",
    "machine-learning-workspace-network-outbound-rule-private-endpoint",
    "machine-learning-workspace-network-outbound-rule-service-tag", "private-endpoint", "resource-group",
    "resource-group-template-deployment",
)  # fmt: skip
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
_HEAD = f"""
terraform {{
  required_providers {{
    azurerm = {{ source = "hashicorp/azurerm" }}
    azapi   = {{ source = "azure/azapi" }}
  }}
}}
provider "azurerm" {{
  features {{}}
  subscription_id = "{SUBSCRIPTION}"
}}
"""
_PROVIDERS = ("hashicorp/azurerm", "azure/azapi")


class Terraform:
    """One configuration, its state and its cloud, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        plugins = folder / ".plugins"
        plugins.mkdir()
        for name in _PROVIDERS:
            self._starter(plugins, name.rpartition("/")[2])
        overrides = "\n".join(f'    "{name}" = "{plugins}"' for name in _PROVIDERS)
        (folder / ".rc").write_text(
            f"provider_installation {{\n  dev_overrides {{\n{overrides}\n  }}\n  direct {{}}\n}}\n"
        )
        # Beside the folder, which is read like one of a person's.
        self._schema = folder.with_name(f"{folder.name}.schema.json")
        package = Path(ROOT).resolve() / "node_modules" / "@cdktf" / "provider-azurerm"
        self._schema.write_text(json.dumps(schema_of(package, *FOLDERS)))
        (folder / "head.tf").write_text(_HEAD)

    def _starter(self, plugins: Path, name: str) -> None:
        program, script = Path(ROOT).absolute() / "bin" / "python", Path(__file__).parent / "provider.py"
        starter = plugins / f"terraform-provider-{name}"
        starter.write_text(f'#!/bin/sh\nexec "{program}" "{script}" {name}\n')
        starter.chmod(0o755)

    def write(self, text: str, file: str = "main.tf") -> None:
        target = self.folder / file
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)

    def run(self, *arguments: str) -> str:
        names = {
            "TF_CLI_CONFIG_FILE": str(self.folder / ".rc"),
            "CHECKPOINT_DISABLE": "1",
            "TERRAFORM_SCHEMA": str(self._schema),
            "TERRAFORM_CLOUD": str(self.folder / "cloud.json"),
        }
        done = subprocess.run(
            [BINARY, *arguments],
            cwd=self.folder, env={**os.environ, **names}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def plan(self, text: str = "", *arguments: str) -> Path:
        """The JSON of a plan of ``text``; of what was written before where there is none."""
        if text:
            self.write(text)
        if (self.folder / "modules").exists():
            self.run("get")
        self.run("plan", "-input=false", "-out=planned", *arguments)
        return self._shown("plan.json", "planned")

    def apply(self, text: str) -> Path:
        """The JSON of the state after ``text`` was applied."""
        self.plan(text)
        self.run("apply", "-input=false", "planned")
        return self.state()

    def state(self) -> Path:
        return self._shown("state.json")

    def _shown(self, name: str, *what: str) -> Path:
        target = self.folder / name
        target.write_text(self.run("show", "-json", *what))
        return target

    def cloud(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "cloud.json").read_text())
        return found

    def change_outside(self, changed: dict[str, Any]) -> None:
        (self.folder / "cloud.json").write_text(json.dumps(changed))
