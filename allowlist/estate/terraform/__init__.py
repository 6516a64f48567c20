"""Plans and states of Terraform and OpenTofu, as ``show -json`` prints them: the resources Azure would hold."""

from allowlist.estate.terraform.form import is_terraform
from allowlist.estate.terraform.merge import merged, missing_parents, with_parts
from allowlist.estate.terraform.read import TerraformReading, read_terraform

__all__ = ["TerraformReading", "is_terraform", "merged", "missing_parents", "read_terraform", "with_parts"]
