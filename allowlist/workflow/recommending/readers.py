"""Read one file each: dependency lists, images, infrastructure, tool servers, code, settings. Pure: text in, signs out.

Nothing is run, resolved or fetched. What a reader cannot take apart is told, never passed over.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any, Final

from allowlist.azure.facts import clouds, resource_domains
from allowlist.estate.parts import object_in
from allowlist.names import is_host_name, normalise
from allowlist.workflow.recommending.signs import Confidence, Sign, Unplaced, What

Found = Iterator[Sign | Unplaced]
Reader = Callable[[str, str], Found]

_REQUIREMENT = re.compile(
    r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:(===?|~=|>=|<=|!=|<|>|\^|=)\s*([^\s;,#\"']+))?"
)
_SUFFIXES: Final = frozenset((*resource_domains(), *(row.suffixes["storage"] for row in clouds().values())))
"""Ends of names, such as ``EndpointSuffix=core.windows.net``: no names themselves."""
_URL = re.compile(
    r"\b(https?|wss?|sb|amqps?|grpcs?|mongodb(?:\+srv)?|rediss?|postgres(?:ql)?(?:\+\w+)?|mysql(?:\+\w+)?|mssql(?:\+\w+)?)"
    r"://(?:[^\s/@\"'<>{}]*@)?([A-Za-z0-9_.\-]+)(?::(\d+))?"
)
_AZURE = "(?:" + "|".join(map(re.escape, resource_domains())) + ")"
_BARE_AZURE = re.compile(rf"(?<![\w@/.-])((?:[A-Za-z0-9_-]+\.)+{_AZURE})(?![\w-])")
HOLE: Final = "name-of-yours"
"""Stands for a label that is filled in when the program runs."""
_HOLED = re.compile(
    r"://(?:\$?\{+[^{}\s]*\}+|<[^<>\s]*>|\$\([^()\s]*\)|%s)\."
    rf"((?:[a-z0-9-]+\.)*{_AZURE})(?![\w-])"
)
_STANDS_FOR = re.compile(
    r"^(?:(?:your|my|xx+|x|example|sample|contoso|acct|foo|bar|name|account|resource|placeholder)(?:[-_.]|$)"
    r"|(?:your|my)(?:own|azure|ai|account|storage|search|registry|resource|service|vault|server|cluster|cosmos|database|db|org|company|"
    r"project|app|function|workspace|endpoint|tenant|name|hub|openai))"
    r"|^[a-z0-9-]*_[a-z0-9_-]*\.",
    re.IGNORECASE,
)
_NAMES_A_SCHEMA: Final = re.compile(r"[\"']?\$schema[\"']?\s*[:=]|xmlns\b")
_SCOPE: Final = re.compile(r"/?/\.default\b|/user_impersonation\b|/\.default")
"""What follows the host in a scope of a token: ``https://cognitiveservices.azure.com/.default``."""
_ORIGINS: Final = re.compile(
    r"(?i)\b(?:allowed_?origins?|allow_?origins?|cors_?origins?|cors_?allowed_?origins?|allowedorigins)\b"
)
"""Lists of origins say who may call in."""
_ACCOUNT_KEY = re.compile(r"AccountName=([a-z0-9]{3,24});[^\"'\s]*?EndpointSuffix=([a-z.]+)", re.IGNORECASE)
_ARM_TYPE = re.compile(r"['\"](Microsoft\.[A-Za-z]+(?:/[A-Za-z]+)+)(?:@[0-9A-Za-z-]+)?['\"]")
_TERRAFORM = re.compile(r"^\s*(?:resource|data)\s+\"(az(?:urerm|api|ureml)_[a-z0-9_]+)\"")
_AVM = re.compile(r"br/public:avm/(?:res|ptn)/([a-z0-9-]+/[a-z0-9-]+)|Azure/avm-(?:res|ptn)-([a-z0-9-]+)/")
_PIP = re.compile(r"(?:pip3?|uv pip|uv|poetry|pipx|conda|mamba)\s+(?:install|add)\s+(.+)")
_APT = re.compile(r"\bapt(?:-get)?\s+(?:-\S+\s+)*(?:install|update|upgrade)\b")
_NPM = re.compile(
    r"(?:npm|pnpm|yarn)\s+(?:install|i|add)\s+(.+)|(?:npx|bunx|pnpm dlx)\s+(?:-y\s+|--yes\s+)?(\S+)"
)
_IMPORT = re.compile(
    r"^\s*(?:import\s+([A-Za-z_][\w.]*(?:\s*,\s*[A-Za-z_][\w.]*)*)|from\s+([A-Za-z_][\w.]*)\s+import\b)"
)
_JS_IMPORT = re.compile(r"(?:from\s+|require\(\s*|import\s+)['\"]((?:@[\w.-]+/)?[\w.-]+)(?:/[^'\"]*)?['\"]")
_IMAGE = re.compile(r"^\s*(?:-\s*)?[\"']?image[\"']?\s*[:=]\s*[\"']?(?!\{\w)([^\"'\s#,}]+)")
_REGISTRY = re.compile(
    r"(?:^|[{,])\s*[\"']?(?:registry|imageRegistry|image_registry|repository)[\"']?\s*:\s*[\"']?((?:[a-z0-9-]+\.)+[a-z]{2,})(?::\d+)?(?=[/\"'\s,}]|$)"
)
"""As values of a Helm chart name images: registry, repository and tag apart."""
_TOOL = re.compile(
    r"[\"']?type[\"']?\s*:\s*[\"']?(bing_grounding|bing_custom_search\w*|code_interpreter|file_search|azure_ai_search|azure_function|"
    r"browser_automation\w*|sharepoint_grounding\w*|fabric_dataagent\w*|deep_research|computer_use\w*|connected_agent|memory_search\w*|a2a\w*)\b"
)
"""Tools of Foundry agents, as their definitions call them."""
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE)
_CSPROJ = re.compile(
    r"<(?:PackageReference|PackageVersion)\s+[^>]*Include=\"([^\"]+)\"(?:[^>]*Version=\"([^\"]+)\")?"
)
_HF_MODEL = re.compile(
    r"(?:from_pretrained|hf_hub_download|snapshot_download|load_dataset|SentenceTransformer|pipeline)\(\s*(?:repo_id\s*=\s*)?['\"]([\w.-]+/[\w.-]+)['\"]"
)
_SETTING = re.compile(r"^\s*(?:export\s+|ENV\s+|-\s*)?([A-Z][A-Z0-9_]{3,})\s*[=:]\s*[\"']?([^\"'#\s]*)")
_RESERVED: Final = (
    "example.com",
    "example.org",
    "example.net",
    "localhost",
    ".local",
    ".internal",
    ".test",
    ".invalid",
    ".example",
    ".svc",
    "kubernetes.azure.com",
    "kubernetes.io",
)
"""Ends of names that nobody outside answers: documents, this machine, a cluster's own services, and its labels."""
_SCHEMAS: Final = frozenset(
    {
        "json-schema.org",
        "www.w3.org",
        "schema.management.azure.com",
        "schemas.microsoft.com",
        "yaml.org",
        "xmlns.com",
        "developer.microsoft.com",
        "opensource.org",
        "www.apache.org",
        "creativecommons.org",
        "img.shields.io",
        "schemas.openxmlformats.org",
        "docs.microsoft.com",
        "learn.microsoft.com",
        "schemas.xmlsoap.org",
        "purl.org",
        "json.schemastore.org",
        "schemastore.azurewebsites.net",
    }
)
"""Hosts of names of schemas, licences and pages, which nobody calls when a program runs."""

_DATABASE_PORTS: Final = {
    "sb": "tcp:5671",
    "amqps": "tcp:5671",
    "amqp": "tcp:5672",
    "redis": "tcp:6379",
    "rediss": "tcp:6380",
    "mongodb": "tcp:10255",
    "postgres": "tcp:5432",
    "postgresql": "tcp:5432",
    "mysql": "tcp:3306",
    "mssql": "mssql:1433",
}


def sign(what: What, value: str, file: str, line: int, confidence: Confidence, **more: str) -> Sign:
    return Sign(what=what, value=value, file=file, line=line, confidence=confidence, **more)


def read_requirements(text: str, file: str) -> Found:
    """requirements.txt and constraints, one package a line; ``-r`` names another file that is read by itself."""
    for number, line in enumerate(text.splitlines(), 1):
        body = line.split(" #")[0].strip()
        if not body or body.startswith("#"):
            continue
        if body.startswith("-"):
            if body.startswith(("-e", "--editable")) and "git+" not in body:
                continue
            if "://" in body:
                yield from hosts_in(body, file, number, Confidence.DECLARED)
            continue
        found = _REQUIREMENT.match(body)
        if "git+" in body or "://" in body:
            yield from hosts_in(body, file, number, Confidence.DECLARED)
        if found and not re.match(r"[\w.-]+(\+|:)", body):
            yield _package(
                found.group(1), found.group(3) if found.group(2) in ("==", "===") else "", file, number
            )
        elif not found:
            yield Unplaced(
                text=body[:80], place=f"{file}:{number}", because="is no requirement that could be read"
            )


def _package(name: str, version: str | None, file: str, line: int) -> Sign:
    return sign(
        What.PACKAGE,
        name.lower().replace("_", "-"),
        file,
        line,
        Confidence.DECLARED,
        version=(version or "").strip(),
    )


def read_toml(text: str, file: str) -> Found:
    """pyproject.toml, Pipfile, poetry.lock and uv.lock."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield Unplaced(text=file, place=file, because=f"is no TOML: {error}")
        return
    lines = text.splitlines()
    for item in document.get("package", []) if isinstance(document.get("package"), list) else []:
        if isinstance(item, dict) and item.get("name"):
            name = str(item["name"])
            yield _package(name, str(item.get("version", "")), file, _line_of(lines, f'name = "{name}"'))
    for name, version in _toml_dependencies(document):
        yield _package(name, version, file, _line_of(lines, name))


def _listed(holder: Mapping[str, Any], key: str) -> list[Any]:
    """A list, or none where something else stands in its place."""
    found = holder.get(key)
    return found if isinstance(found, list) else []


def _toml_dependencies(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    project, poetry = object_in(document, "project"), object_in(object_in(document, "tool"), "poetry")
    lists = [project.get("dependencies"), *object_in(project, "optional-dependencies").values()]
    lists += object_in(document, "dependency-groups").values()
    for text in (one for items in lists if isinstance(items, list) for one in items if isinstance(one, str)):
        found = _REQUIREMENT.match(text)
        if found:
            yield found.group(1), found.group(3) if found.group(2) == "==" else ""
    tables = [object_in(poetry, "dependencies"), object_in(poetry, "dev-dependencies")]
    tables += [object_in(group, "dependencies") for group in object_in(poetry, "group").values()]
    tables += [object_in(document, "packages"), object_in(document, "dev-packages")]
    for name, given in (pair for table in tables for pair in table.items()):
        if name.lower() != "python":
            version = (
                given
                if isinstance(given, str)
                else str(given.get("version", ""))
                if isinstance(given, dict)
                else ""
            )
            yield name, version.lstrip("=") if re.fullmatch(r"={0,2}\d[\w.]*", version) else ""


def read_package_json(text: str, file: str) -> Found:
    document = _json(text)
    if not isinstance(document, dict):
        yield Unplaced(text=file, place=file, because="is no JSON")
        return
    lines = text.splitlines()
    for key in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        for name, version in object_in(document, key).items():
            exact = str(version) if re.fullmatch(r"[~^]?\d+\.\d+[\w.-]*", str(version)) else ""
            yield sign(
                What.PACKAGE,
                f"npm:{name.lower()}",
                file,
                _line_of(lines, f'"{name}"'),
                Confidence.DECLARED,
                version=exact.lstrip("~^"),
            )
    for script in object_in(document, "scripts").values():
        yield from _commands(str(script), file, _line_of(lines, str(script)[:40]))


def read_lock_of_npm(text: str, file: str) -> Found:
    """Where the packages were taken from when they were locked; which they are says package.json."""
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        if '"resolved"' in line:
            for found in _URL.finditer(line):
                yield from _host(found.group(2), "https:443", file, number, Confidence.DECLARED, seen)


def read_conda(text: str, file: str) -> Found:
    """environment.yml: channels, ``- name=version`` and the ``pip:`` list below."""
    part = ""
    for number, line in enumerate(text.splitlines(), 1):
        body = line.strip()
        key = re.match(r"(?:-\s+)?([a-z_]+):\s*$", body)
        part = key.group(1) if key else part
        if part == "channels" and body.startswith("- "):
            yield from _channel(body[2:].strip("'\" "), file, number)
            continue
        if body.startswith("- ") and not body.endswith(":") and "/" not in body.partition("=")[0]:
            found = _REQUIREMENT.match(body[2:].strip("'\""))
            if found and found.group(1).lower() not in ("python", "pip"):
                version = found.group(3) if found.group(2) in ("==", "=") else ""
                made = _package(found.group(1), version, file, number)
                yield made if part == "pip" else replace(made, value=f"conda:{made.value}")


def _channel(name: str, file: str, line: int) -> Found:
    """Where a channel of conda is served from, as conda's own settings have it (channel_alias, default_channels)."""
    if "://" in name:
        yield from hosts_in(name, file, line, Confidence.DECLARED)
    elif name != "nodefaults":
        host = "repo.anaconda.com" if name == "defaults" else "conda.anaconda.org"
        yield sign(What.HOST, host, file, line, Confidence.DECLARED, port="https:443")


def read_dockerfile(text: str, file: str) -> Found:
    stages: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        found = _FROM.match(line)
        if found:
            image = found.group(1)
            if image.lower() not in stages and image != "scratch":
                yield from _image(image, file, number)
            stage = re.search(r"\s[Aa][Ss]\s+(\S+)", line)
            stages |= {stage.group(1).lower()} if stage else set()
        yield from _commands(line, file, number)
        yield from hosts_in(line, file, number, Confidence.DECLARED)


def _image(image: str, file: str, line: int) -> Found:
    head, slash, _ = image.partition("/")
    if slash and "." in head and is_host_name(head):
        yield sign(What.IMAGE, image, file, line, Confidence.DECLARED)
        yield sign(What.HOST, head.lower(), file, line, Confidence.DECLARED, port="https:443")
        return
    if "$" in image or "{" in image:
        yield Unplaced(
            text=image,
            place=f"{file}:{line}",
            because="is an image whose name is only known when it is built",
        )
        return
    host = head if slash and ("." in head or ":" in head) else "docker.io"
    yield sign(What.IMAGE, image, file, line, Confidence.DECLARED)
    if host != "docker.io" and is_host_name(host.partition(":")[0]):
        yield sign(
            What.HOST, host.partition(":")[0].lower(), file, line, Confidence.DECLARED, port="https:443"
        )


def _commands(line: str, file: str, number: int) -> Found:
    """Installations and tools that a line of a script runs."""
    for part in re.split(r"&&|\|\||;|\\$", re.sub(r"\$\{\{.*?\}\}", "", line)):
        found = _PIP.search(part)
        for word in found.group(1).split() if found else ():
            match = _REQUIREMENT.match(word.strip("'\""))
            if re.match(r"\d?[<>|&]", word):
                break
            if (
                match
                and re.match(r"[A-Za-z]", match.group(1))
                and len(match.group(1)) > 1
                and not word.startswith(("-", ".", "/", "$"))
                and not word.endswith((".txt", ".toml", ".whl"))
                and match.group(1)
            ):
                yield _package(match.group(1), match.group(3) if match.group(2) == "==" else "", file, number)
        if _APT.search(part):
            yield sign(What.PACKAGE, "apt:", file, number, Confidence.DECLARED)
        npm = _NPM.search(part)
        if npm:
            for word in (npm.group(1) or npm.group(2) or "").split():
                if re.fullmatch(r"(@[\w.-]+/)?[\w.-]+(@[\w.^~-]+)?", word) and not word.startswith("-"):
                    head, at, version = word[1:].partition("@")
                    yield sign(What.PACKAGE, f"npm:{word[0]}{head}".lower(), file, number, Confidence.DECLARED,
                               version=version if at and version[:1].isdigit() else "")  # fmt: skip
        if re.search(
            r"\baz(?:d)?\s+(?:login|account|deployment|ml|extension|bicep|containerapp|cognitiveservices|acr|group|webapp|functionapp)\b",
            part,
        ):
            yield sign(What.PACKAGE, "azure-cli", file, number, Confidence.USED)


def read_csproj(text: str, file: str) -> Found:
    for number, line in enumerate(text.splitlines(), 1):
        found = _CSPROJ.search(line)
        if found:
            yield sign(
                What.PACKAGE,
                f"nuget:{found.group(1).lower()}",
                file,
                number,
                Confidence.DECLARED,
                version=found.group(2) or "",
            )


def without_origins(text: str) -> str:
    """``text`` with the lists of who may call in blanked out, every line keeping its number."""
    lines, depth = [], 0
    for line in text.splitlines():
        begins = _ORIGINS.search(line) if not depth else None
        tail = line[begins.end() :] if begins else line
        opened = tail.count("[") - tail.count("]")
        if depth or begins:
            is_list = depth > 0 or "[" in tail
            depth = max(depth + opened, 0) if is_list else 0
            lines.append(_URL.sub("", line) if is_list or begins else line)
        else:
            lines.append(line)
    return "\n".join(lines)


def read_infrastructure(text: str, file: str) -> Found:
    """Terraform, Bicep and ARM templates, estates and snapshots: resource types, images and hosts."""
    for number, line in enumerate(without_origins(text).splitlines(), 1):
        if line.lstrip().startswith(("//", "#")):
            continue
        for found in _ARM_TYPE.finditer(line):
            yield sign(What.RESOURCE, found.group(1), file, number, Confidence.DECLARED)
        terraform = _TERRAFORM.match(line)
        if terraform:
            yield sign(What.RESOURCE, terraform.group(1), file, number, Confidence.DECLARED)
        for avm in _AVM.finditer(line):
            yield sign(
                What.RESOURCE, f"avm:{avm.group(1) or avm.group(2)}", file, number, Confidence.DECLARED
            )
        image = _IMAGE.match(line)
        if image and "/" in image.group(1):
            yield from _image(image.group(1), file, number)
        for tool in _TOOL.finditer(line):
            yield sign(What.TOOL, tool.group(1), file, number, Confidence.DECLARED)
        yield from hosts_in(line, file, number, Confidence.DECLARED)


def read_yaml(text: str, file: str) -> Found:
    """Compose files, manifests, Helm values, agent and flow definitions: images, commands, settings and hosts."""
    if re.search(r"(?m)^(?:openapi|swagger)\s*:", text):
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(r"\s*-?\s*(?:url|host)\s*:", line):
                yield from hosts_in(line, file, number, Confidence.DECLARED)
        return
    for number, line in enumerate(without_origins(text).splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        image = _IMAGE.match(line)
        if image and not image.group(1).startswith(("|", ">")):
            yield from _image(image.group(1), file, number)
        yield from _commands(line, file, number)
        yield from _settings(line, file, number)
        yield from _registries_and_tools(line, file, number)
        yield from hosts_in(line, file, number, Confidence.DECLARED)
        for found in _ARM_TYPE.finditer(line):
            yield sign(What.RESOURCE, found.group(1), file, number, Confidence.DECLARED)


def _registries_and_tools(line: str, file: str, number: int) -> Found:
    registry = _REGISTRY.search(line)
    if registry:
        yield sign(What.HOST, registry.group(1), file, number, Confidence.DECLARED, port="https:443")
    for tool in _TOOL.finditer(line):
        yield sign(What.TOOL, tool.group(1), file, number, Confidence.DECLARED)


def read_json(text: str, file: str) -> Found:
    """Tool servers (mcp.json), OpenAPI documents, agent definitions, settings, templates and denied names."""
    document = _json(text)
    if document is None and text.strip():
        yield from read_lines_of_json(text, file)
        return
    lines = text.splitlines()
    if isinstance(document, dict) and ("openapi" in document or "swagger" in document):
        yield from _openapi(document, file, lines)
        return
    yield from _tool_servers(document, file, lines)
    yield from read_infrastructure(text, file)


def _openapi(document: dict[str, Any], file: str, lines: list[str]) -> Found:
    """Only the servers of an API are called; its descriptions link to pages."""
    servers = document.get("servers") or []
    urls = [str(one.get("url", "")) for one in servers if isinstance(one, dict)]
    urls += [f"https://{document['host']}"] if isinstance(document.get("host"), str) else []
    for url in urls:
        yield from hosts_in(url, file, _line_of(lines, url.removeprefix("https://")), Confidence.DECLARED)


def read_lines_of_json(text: str, file: str) -> Found:
    """A log: names that were denied ask for something; others are only mentioned."""
    for number, line in enumerate(text.splitlines(), 1):
        row = _json(line)
        if not isinstance(row, dict):
            continue
        flat = {str(key).lower(): value for key, value in row.items()}
        name = str(flat.get("fqdn") or flat.get("targeturl") or flat.get("host") or "")
        host = name.partition("/")[0].partition(":")[0].lower()
        denied = "deny" in str(flat.get("action") or flat.get("verdict") or "").lower()
        if denied and is_host_name(host) and "." in host:
            port = str(flat.get("destinationport") or flat.get("port") or 443)
            yield sign(
                What.DENIED,
                host,
                file,
                number,
                Confidence.USED,
                port=f"https:{port}" if port == "443" else f"tcp:{port}",
            )


def _tool_servers(document: Any, file: str, lines: list[str]) -> Found:
    servers = document.get("mcpServers") or document.get("servers") if isinstance(document, dict) else None
    for name, server in (servers or {}).items() if isinstance(servers, dict) else ():
        if not isinstance(server, dict):
            continue
        words = [str(server.get("command", "")), *(str(one) for one in _listed(server, "args"))]
        if words[0] in ("npx", "bunx", "uvx", "pnpm"):
            package = next((word for word in words[1:] if not word.startswith("-") and word != "dlx"), "")
            if re.match(r"[./~]|[A-Za-z]:", package):
                continue  # a folder of one's own
            prefix = "" if words[0] == "uvx" else "npm:"
            head, at, version = package[1:].partition("@")
            if package:
                yield sign(What.PACKAGE, f"{prefix}{package[:1]}{head}".lower(), file, _line_of(lines, package), Confidence.DECLARED,
                           version=version if at and version[:1].isdigit() else "")  # fmt: skip
        elif words[0] == "docker":
            image = next((word for word in reversed(words) if "/" in word or ":" in word), "")
            yield from _image(image, file, _line_of(lines, image)) if image else ()
        elif words[0] and not server.get("url"):
            yield Unplaced(
                text=f"tool server {name}: {words[0]}",
                place=f"{file}:{_line_of(lines, name)}",
                because="what this program asks for is not known; try recommend --run",
            )


def read_notebook(text: str, file: str) -> Found:
    document = _json(text)
    if not isinstance(document, dict):
        yield Unplaced(text=file, place=file, because="is no notebook that could be read")
        return
    for index, cell in enumerate(document.get("cells") or [], 1):
        source = cell.get("source") if isinstance(cell, dict) else None
        body = "".join(source) if isinstance(source, list) else str(source or "")
        place = f"{file}#cell{index}"
        if cell.get("cell_type") == "code":
            yield from read_code(body, place)


def read_code(text: str, file: str) -> Found:
    """Imports, installations, models and hosts that code names. Comments are only mentions."""
    for number, line in enumerate(without_origins(text).splitlines(), 1):
        stripped = line.lstrip()
        if stripped.startswith(("#", "//", "*", "/*")) and not stripped.startswith(("#!", "%")):
            continue
        found = _IMPORT.match(line)
        for name in re.split(r"\s*,\s*", found.group(1) or found.group(2)) if found else ():
            yield sign(What.PACKAGE, f"import:{name.split(' ')[0]}", file, number, Confidence.USED)
        for script in _JS_IMPORT.finditer(line):
            yield sign(What.PACKAGE, f"npm:{script.group(1).lower()}", file, number, Confidence.USED)
        if stripped.startswith(("!", "%")) or "pip install" in line or "npx " in line:
            yield from _commands(stripped.lstrip("!%"), file, number)
        for model in _HF_MODEL.finditer(line):
            yield sign(What.MODEL, model.group(1), file, number, Confidence.USED)
        yield from hosts_in(line, file, number, Confidence.USED)


def read_script(text: str, file: str) -> Found:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith(("#", "::", "REM ")):
            yield from _commands(line, file, number)
            yield from hosts_in(line, file, number, Confidence.USED)


def read_settings(text: str, file: str) -> Found:
    """``.env`` files and the like."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith(("#", ";")):
            yield from _settings(line, file, number)
            yield from hosts_in(line, file, number, Confidence.DECLARED)


def _settings(line: str, file: str, number: int) -> Found:
    found = _SETTING.match(line)
    name = found.group(1) if found else ""
    if found and "MODEL" in name and re.fullmatch(r"[A-Za-z][\w.-]*/[\w.-]+", found.group(2)):
        yield sign(What.MODEL, found.group(2), file, number, Confidence.DECLARED)
    if name.startswith("OTEL_EXPORTER_OTLP") and not (found and "://" in found.group(2)):
        yield Unplaced(
            text=name,
            place=f"{file}:{number}",
            because="names your own collector, whose host is set elsewhere",
        )


def hosts_in(line: str, file: str, number: int, confidence: Confidence) -> Found:
    """The hosts that one line names: addresses, names under Azure's domains, accounts of connection strings."""
    seen: set[str] = set()
    if _NAMES_A_SCHEMA.search(line):
        return
    for found in _URL.finditer(line):
        scheme, text, port = found.groups()
        if _SCOPE.match(line, found.end()):
            seen.add(text.lower())  # whom a token is for; what is called is the sign-in authority
            continue
        usual = {"http": "http:80", "ws": "http:80"}.get(
            scheme, _DATABASE_PORTS.get(scheme.partition("+")[0], "https:443")
        )
        if text.lower() in _SCHEMAS and not line.startswith(("/api/", "/mcp"), found.end()):
            continue
        after = line[found.end() : found.end() + 1]
        is_cut = (after and after in "<{$") or text.endswith((".", "-"))
        if is_cut and not _BARE_AZURE.fullmatch(text):
            yield from _unknown_host(line, re.sub(r"//[^/@]*@", "//", found.group()), file, number)
            continue
        yield from _host(
            text, f"{usual.partition(':')[0]}:{port}" if port else usual, file, number, confidence, seen
        )
    for found in _HOLED.finditer(line):
        yield from _host(f"{HOLE}.{found.group(1)}", "https:443", file, number, confidence, seen)
    for found in _BARE_AZURE.finditer(line):
        if found.group(1).lower() in _SUFFIXES:
            continue
        stated = re.match(r"\s*[:,]\s*(\d{2,5})\b", line[found.end() :])
        usual = stated.group(1) if stated else "443"
        port = {"443": "https:443", "1433": "mssql:1433"}.get(usual, f"tcp:{usual}")
        yield from _host(found.group(1), port, file, number, confidence, seen)
    for found in _ACCOUNT_KEY.finditer(line):
        yield from _host(
            f"{found.group(1)}.blob.{found.group(2)}", "https:443", file, number, confidence, seen
        )


def _unknown_host(line: str, text: str, file: str, number: int) -> Found:
    if any(suffix in line for suffix in (".azure.com", ".windows.net", ".azure.net", ".azurecr.io")):
        yield Unplaced(
            text=text[:80],
            place=f"{file}:{number}",
            because="is a host that is put together when the program runs",
        )


def _host(text: str, port: str, file: str, line: int, confidence: Confidence, seen: set[str]) -> Found:
    try:
        name = normalise(text)
    except UnicodeError:
        return
    if name in seen or not is_host_name(name) or "." not in name or re.fullmatch(r"[\dx]+(\.[\dx]+)+", name):
        return
    seen.add(name)
    if name.startswith("privatelink."):
        return  # a private DNS zone: nobody calls it
    if _STANDS_FOR.match(name) and name.count(".") > 1 and not name.startswith("name-of-yours"):
        yield Unplaced(
            text=name, place=f"{file}:{line}", because="stands for a name of yours that is written elsewhere"
        )
        return
    if name.endswith(_RESERVED) or name.startswith("127."):
        return
    yield sign(What.HOST, name, file, line, confidence, port=port)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        try:
            return json.loads(re.sub(r"(?m)^\s*//.*$|,(?=\s*[}\]])", "", text))
        except (ValueError, RecursionError):
            return None


def _line_of(lines: list[str], text: str) -> int:
    return next((number for number, line in enumerate(lines, 1) if text in line), 0)


READERS: Final[tuple[tuple[str, Reader], ...]] = (
    ("*requirements*.txt", read_requirements),
    ("*requirements*.in", read_requirements),
    ("*constraints*.txt", read_requirements),
    ("pyproject.toml", read_toml),
    ("pipfile", read_toml),
    ("poetry.lock", read_toml),
    ("uv.lock", read_toml),
    ("package-lock.json", read_lock_of_npm),
    ("npm-shrinkwrap.json", read_lock_of_npm),
    ("package.json", read_package_json),
    ("environment*.y*ml", read_conda),
    ("conda*.y*ml", read_conda),
    ("dockerfile*", read_dockerfile),
    ("*.dockerfile", read_dockerfile),
    ("containerfile*", read_dockerfile),
    ("*.csproj", read_csproj),
    ("*.fsproj", read_csproj),
    ("directory.packages.props", read_csproj),
    ("*.ipynb", read_notebook),
    ("*.tf", read_infrastructure),
    ("*.bicep", read_infrastructure),
    ("*.bicepparam", read_infrastructure),
    ("*.tfvars", read_infrastructure),
    ("*.jsonl", read_lines_of_json),
    ("*.ndjson", read_lines_of_json),
    ("*.json", read_json),
    ("*.y*ml", read_yaml),
    (".env*", read_settings),
    ("*.env", read_settings),
    ("*.ini", read_settings),
    ("*.cfg", read_settings),
    ("*.toml", read_settings),
    ("*.py", read_code),
    ("*.ts", read_code),
    ("*.tsx", read_code),
    ("*.js", read_code),
    ("*.mjs", read_code),
    ("*.cs", read_code),
    ("*.java", read_code),
    ("*.go", read_code),
    ("*.sh", read_script),
    ("*.ps1", read_script),
    ("*.cmd", read_script),
    ("makefile", read_script),
)
"""By the name of a file in lower case, the first that fits."""


def reader_for(name: str) -> Reader | None:
    low = PurePosixPath(name).name.lower()
    return next((reader for pattern, reader in READERS if fnmatch(low, pattern)), None)
