"""``allowlist simulate``: a local Azure Resource Manager to practise on."""

from __future__ import annotations

import json
import re
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.documents.words import counted

if TYPE_CHECKING:
    from allowlist.simulator import Running, Simulator

DEFAULT_PACE = 0.05
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s)?")


def _seconds(context: click.Context, option: click.Parameter, value: str) -> float:
    """``80ms``, ``0.5s`` or plain seconds."""
    found = _DURATION.fullmatch(value.strip())
    if found is None:
        raise click.BadParameter(f"'{value}' is no duration; write 80ms or 0.5s", context, option)
    return float(found[1]) / (1_000 if found[2] == "ms" else 1)


_CLOUD_STEPS = """\
# the Azure command line (a cloud of its own, so that your usual login stays as it is):
#   export AZURE_CONFIG_DIR="$(mktemp -d)"
#   az config set core.instance_discovery=false
#   az cloud register -n simulator --endpoint-resource-manager {url} \\
#     --endpoint-active-directory {url} --endpoint-active-directory-resource-id {url}
#   az cloud set -n simulator
#   az login --service-principal -u any -p any --tenant {tenant}
"""


@click.command(
    epilog="A fault is METHOD:KIND:WORD[,WORD…], for example PUT:ruleCollectionGroups:nth=2:status=429,retry-after=1"
    " or PUT:firewallPolicies:busy; by chance: random:seed=7,rate=0.1. Words: presets (busy, conflict,"
    " precondition, throttled, throttled-silently, throttled-absurdly, server-error, unavailable, reset-before,"
    " reset-after, operation-fails, operation-lost, operation-slow, half-updated, delete-poll-404, rule-fails,"
    " transient-after, transient-operation, location-bare, state-lags, stale-etag, null-body,"
    " foreign-edit, foreign-edit-after, clock-skew), nth, times, chance, contains, status, code, message,"
    " envelope, retry-after, reset, operation, factor, landed, location, lag, edit, body, etag, skew, delay."
)
@click.option("--port", default=8443, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH",
    help="A folder or file of raw ARM JSON to start with; may be given several times.",
)
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="Something that goes wrong; see below."
)
@click.option("--tls", is_flag=True, help="Serve https with a certificate authority made for this run.")
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("allowlist-simulator-ca.pem"),
    show_default=True,
    help="Where --tls writes the certificate authority that clients must trust.",
)
@click.option(
    "--pace",
    type=click.FloatRange(min=0),
    default=DEFAULT_PACE,
    show_default=True,
    help="How long operations take, as a share of what Azure takes (1: a firewall update lasts 4 minutes).",
)
@click.option(
    "--latency",
    default="0ms",
    callback=_seconds,
    metavar="DURATION",
    help="Time before every answer, such as 80ms.",
)
@click.option(
    "--poll-hint",
    type=click.FloatRange(min=0),
    help="Seconds that poll answers ask to wait. Azure sends none; clients then wait 30 seconds by default.",
)
@click.option("--no-auth", is_flag=True, help="Take requests without an Authorization header.")
@click.option(
    "--throttle",
    type=click.Choice(["observed", "documented", "off"]),
    default="observed",
    show_default=True,
    help="Requests let through per subscription: bursts of 1,100 reads and 800 writes, of 250 and 200, or any.",
)
@click.option(
    "--deny",
    "denied",
    multiple=True,
    metavar="ACTION[@SCOPE]",
    help="A right the caller lacks, such as Microsoft.Network/firewallPolicies/write; '*' stands for anything.",
)
@click.option(
    "--traffic",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FLOWS",
    help="Do not listen: write the firewall's logs for these flows (JSON Lines: source, fqdn, port, protocol, time, "
    "every, count) under --logs, decided by the seeded rules.",
)
@click.option("--logs", type=click.Path(path_type=Path, file_okay=False), help="Where --traffic writes.")
@click.option(
    "--log-shape",
    "shapes",
    multiple=True,
    type=click.Choice(["storage", "event-hub", "log-analytics", "legacy"]),
    help="As which destination delivers them (repeatable; default: storage).",
)
@click.option("--json", "as_json", is_flag=True, help="Print where it listens as one line of JSON.")
def simulate(
    port: int,
    host: str,
    seeds: tuple[Path, ...],
    faults: tuple[str, ...],
    tls: bool,
    ca_file: Path,
    pace: float,
    latency: float,
    poll_hint: float | None,
    no_auth: bool,
    throttle: str,
    denied: tuple[str, ...],
    traffic: Path | None,
    logs: Path | None,
    shapes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Serve a local Azure Resource Manager until interrupted.

    It speaks Microsoft.Network, Microsoft.CognitiveServices and Microsoft.MachineLearningServices as Azure does:
    long operations, locks, etags, throttling, validation; and it answers Resource Graph queries and the activity
    log. Several subscriptions and tenants come with the seed. With --tls it also signs clients in. Its requests,
    faults, denied rights and seeds are under /simulator.
    """
    if traffic is not None:
        _write_logs(traffic, logs, seeds, shapes)
        return
    from allowlist.simulator import DOCUMENTED, Simulator, Timing, serve

    simulator = Simulator(
        timing=Timing(scale=pace),
        delay=latency,
        faults=faults,
        polls=() if poll_hint is None else (poll_hint,),
        require_token=not no_auth,
        throttled=throttle != "off",
        throttle=DOCUMENTED if throttle == "documented" else None,
        denied=denied,
    )
    for seed in seeds:
        click.echo(f"{counted(simulator.seed(seed), 'resource')} from {seed}", err=True)
    with serve(simulator, port, tls=ca_file.resolve() if tls else None, host=host) as running:
        click.echo(_described(running, as_json=as_json))
        _wait(simulator)


def _write_logs(traffic: Path, logs: Path | None, seeds: tuple[Path, ...], shapes: tuple[str, ...]) -> None:
    """What a firewall with the seeded rules would log for the flows in ``traffic``."""
    import datetime as dt

    from allowlist.cli.console import say
    from allowlist.errors import AllowlistError
    from allowlist.simulator.seed import read_seed
    from allowlist.simulator.traffic import decided, firewall_of, read_flows, write_logs

    if logs is None:
        raise click.UsageError("--traffic writes logs: say where, with --logs FOLDER")
    bodies = [body for seed in seeds for body in read_seed(seed).resources.values()]
    try:
        events = [decided(event, bodies) for event in read_flows(traffic, dt.datetime.now(dt.UTC))]
    except (ValueError, OSError) as error:
        raise AllowlistError(str(error)) from None
    written = write_logs(events, logs, firewall=firewall_of(bodies), shapes=shapes or ("storage",))
    say(f"{counted(len(events), 'flow')} in {counted(len(written), 'file')} below {logs}")


def _described(running: Running, *, as_json: bool) -> str:
    if as_json:
        ca_file = str(running.ca_file) if running.ca_file else None
        return json.dumps({"url": running.url, "ca_file": ca_file, "environment": running.environment()})
    from allowlist.simulator.arm.store import TENANT

    lines = [f"# listening on {running.url}; stop with Ctrl-C"]
    lines += [f"export {name}={value}" for name, value in running.environment().items()]
    if running.ca_file:
        lines.append(_CLOUD_STEPS.format(url=running.url, tenant=TENANT))
    return "\n".join(lines)


def _wait(simulator: Simulator) -> None:
    """Until Ctrl-C or a polite kill; then say what was asked."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo(f"{counted(len(simulator.requests), 'request')} answered", err=True)
