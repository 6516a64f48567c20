"""The example company: its files for a user to try things on, and the whole loop on the simulator."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import allowlist
from allowlist.azure.facts import clouds
from allowlist.errors import AllowlistError
from allowlist.simulator.traffic import Event, decided, firewall_of, write_logs


def example_folder() -> Path:
    """Where the example company's estate and workload file stand in the package."""
    return Path(allowlist.__file__).parent / "simulator" / "estates" / "contoso"


ASKED = (
    ("10.40.0.4", "models.research.contoso.com", 20),
    ("10.40.0.7", "pytorch.org", 15),
    ("10.40.3.9", "www.hugg1ngface.co", 45),
    ("10.40.0.4", clouds()["public"].authority, 5),
    ("10.77.0.1", "telemetry.example.net", 30),
)
"""Who asks the example's firewall for what, and every how many minutes."""
HOURS = 3


def write_traffic(folder: Path, now: dt.datetime) -> Path:
    """The log that the example's firewall keeps of three hours, as Azure writes it to a storage account: its folder."""
    bodies = [
        body
        for path in sorted((folder / "estate").glob("*.json"))
        for document in [json.loads(path.read_text("utf-8"))]
        for body in document.get("value", [document])
    ]
    start = now.replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=HOURS)
    flows = [
        decided(_flow(source, name, start + dt.timedelta(minutes=minute)), bodies)
        for source, name, every in ASKED
        for minute in range(0, HOURS * 60, every)
    ]
    write_logs(flows, folder / "logs", firewall=firewall_of(bodies))
    return folder / "logs"


def _flow(source: str, name: str, at: dt.datetime) -> Event:
    return Event(
        ticks=int(at.timestamp()) * 10**7, source=source, source_port=40000 + at.minute, name=name, port=443, protocol="https"
    )  # fmt: skip


def write_example(folder: Path) -> None:
    """Copy the example to ``folder``: ``allowlist.yaml`` and ``estate/``. Raises AllowlistError if it is in use."""
    if folder.exists() and any(folder.iterdir()):
        raise AllowlistError(f"{folder} is not empty", hint="give a new folder")
    source = example_folder()
    estate = folder / "estate"
    estate.mkdir(parents=True)
    for path in sorted(source.glob("*.json")):
        shutil.copyfile(path, estate / path.name)
    shutil.copyfile(source / "allowlist.yaml", folder / "allowlist.yaml")
