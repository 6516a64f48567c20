"""Traffic logs written by hand or by the simulator, and a plain reading of what they say."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allowlist.simulator.traffic import Event, write_logs
from allowlist.traffic.engine import Settings, Traffic, read_traffic
from allowlist.traffic.files import find_files

FIREWALL = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/azureFirewalls/fw"
START = int(dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC).timestamp()) * 10**7

Row = tuple[Any, ...]


def event(minute: int = 0, name: str = "pytorch.org", **more: Any) -> Event:
    given: dict[str, Any] = {
        "ticks": START + minute * 60 * 10**7 + 1234567, "source": "10.0.0.4", "source_port": 40000 + minute % 20000,
        "name": name, "port": 443, "protocol": "https",
    }  # fmt: skip
    return Event(**{**given, **more})


def allowed(minute: int = 0, name: str = "pytorch.org", *, rule: str = "names", **more: Any) -> Event:
    return event(minute, name, action="Allow", policy="p", group="g", collection="c", rule=rule, **more)


@contextmanager
def reading(places: Sequence[Path | str], folder: Path, **settings: Any) -> Iterator[Traffic]:
    spool = folder / "spool"
    spool.mkdir(exist_ok=True)
    files = find_files([str(place) for place in places], spool)
    with read_traffic(files, Settings(**settings)) as traffic:
        yield traffic


def counted(traffic: Traffic) -> Counter[Row]:
    """(log, source, name, destination, port, protocol, action, rule, day) and how often."""
    found: Counter[Row] = Counter()
    for *key, n in traffic.rows(
        "SELECT log, source, name, destination, port, protocol, action, rule, CAST(day AS VARCHAR), n FROM traffic"
    ):
        found[tuple(key)] += n
    return found


def plainly(events: Sequence[Event]) -> Counter[Row]:
    """The same, by looking at each event; names in lower case, without the dot at the end."""
    return Counter(
        (
            "application" if one.protocol in ("https", "http", "mssql") else "network", one.source,
            one.name.lower().removesuffix("."), one.destination, one.port, one.protocol, one.action.lower(), one.rule,
            one.time[:10],
        )
        for one in events
    )  # fmt: skip


def write(folder: Path, events: Sequence[Event], *shapes: str) -> Path:
    write_logs(events, folder, firewall=FIREWALL, shapes=shapes or ("storage",))
    return folder


def lines(*objects: Any) -> str:
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in objects)


def bodies_in(folder: Path) -> list[dict[str, Any]]:
    """Every resource of a folder with ARM JSON, for the simulator to decide flows by."""
    read = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [body for document in read for body in document.get("value", [document])]
