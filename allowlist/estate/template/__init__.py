"""ARM templates, exported or compiled from Bicep: the resources they would deploy, as ARM would return them."""

from allowlist.estate.template.budget import TooMuch
from allowlist.estate.template.form import is_parameter_file, is_template
from allowlist.estate.template.read import TemplateReading, read_template
from allowlist.estate.template.scopes import SCOPE_ID
from allowlist.estate.template.values import Unknown

__all__ = [
    "SCOPE_ID",
    "TemplateReading",
    "TooMuch",
    "Unknown",
    "is_parameter_file",
    "is_template",
    "read_template",
]
