"""The ``allowlist`` command: loads only the command that was asked for, and turns every error into words."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import signal
import sys
from contextlib import suppress
from typing import Any

import click

from allowlist import __version__
from allowlist.cli.exits import Exit
from allowlist.cli.log_format import log_format_option
from allowlist.errors import AllowlistError
from allowlist.workflow.memory import PROCESS

COMMANDS = {
    "demo": "The whole loop on the embedded simulator, nothing to set up.",
    "init": "Write an allowlist.yaml for what is found.",
    "recommend": "What a workload needs, with the line that asks for each name.",
    "catalog": "List, compare, lint and release catalogs.",
    "snapshot": "Save actual state.",
    "check": "Findings: what is missing, blocked, excess, widening, unknown.",
    "explain": "Which rule decides a flow, and who wants the name.",
    "posture": "The network around the rules: endpoints, DNS, routes, gateways, accounts.",
    "compare": "Two snapshots by effect: which flows open, which close.",
    "evidence": "What traffic says: denied and wanted, not required, unused, what if.",
    "export": "The same list for another filter, proved equal, else refused.",
    "simplify": "How the rules could say the same with less, proved.",
    "plan": "Make a plan; never writes to Azure.",
    "review": "The screen for approving: changes, proofs, decisions.",
    "approve": "Approve changes of a plan.",
    "reject": "Reject changes of a plan.",
    "policy": "The approval policy: show it, or keep it in the ledger.",
    "apply": "Apply what is approved, verified.",
    "confirm": "Make a provisional change final.",
    "watch": "Undo a provisional change when its time is over.",
    "rollback": "Plan and apply the rollback of a run, verified.",
    "sync": "One scheduled run: check, plan, apply what policy or people allow, verify, record.",
    "history": "The ledger: plans, decisions and runs.",
    "unlock": "Release a lock that its owner left behind.",
    "schema": "JSON Schemas of documents, and of what commands print with --json.",
    "simulate": "A local Azure Resource Manager.",
    "completion": "Print the shell completion script.",
}

_WIDEST = 100
"""Columns of help, however wide the terminal is."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class LazyGroup(click.Group):
    """Lists commands from the table above and imports a command's module only when it runs."""

    def list_commands(self, context: click.Context) -> list[str]:
        del context
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        del context
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"allowlist.cli.{name}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        del context
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            from allowlist.documents.reader import near_miss

            raise click.UsageError(f"{error.message}{near_miss(args[0], COMMANDS)}", context) from None


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDEST}
)
@click.version_option(__version__, "--version", message="allowlist %(version)s")
@log_format_option
@click.option("--debug", is_flag=True, envvar="ALLOWLIST_DEBUG", help="Show tracebacks of unexpected errors.")
@click.pass_context
def main(context: click.Context, debug: bool) -> None:
    """Keeps the egress allow lists of Azure AI workloads complete, tight and proved.

    Catalogs say what a workload must reach, the estate says what Azure lets through; allowlist proves the
    difference, people approve it, and it is applied and proved again.
    """
    context.obj = {"debug": debug}


def run() -> None:
    """The entry point: run a command and exit with the code of the contract."""
    # A command makes many objects and few cycles; collecting rarely saves a third of the time on large estates.
    gc.set_threshold(200_000, 20, 20)
    PROCESS.is_one_command = True
    _open_standard_streams()
    sys.unraisablehook = _lost
    try:
        code = invoke(sys.argv[1:])
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # What is left is the interpreter's own end, which would show a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # At its end the interpreter looks through everything for cycles that nobody waits for: a quarter of a short command.
    gc.freeze()
    sys.exit(code)


def _lost(what: sys.UnraisableHookArgs) -> None:
    """What a destructor raised: a defect of whoever wrote it, but for the Ctrl-C of a person."""
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)
        return
    from allowlist.cli.stopping import interrupt_again

    interrupt_again()


def _open_standard_streams() -> None:
    """Where one was closed by who started us, the next file would get its number, and narration be written into it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with suppress(OSError):
                os.fstat(number)
                continue
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


def invoke(arguments: list[str]) -> int:
    """Run one command line; never raises, never shows a traceback without ``--debug``."""
    if arguments in ([], ["--help"], ["-h"]):
        return _show_help(arguments)
    from allowlist.cli.given import begin
    from allowlist.observe.logs import LOG
    from allowlist.observe.traces import traced

    LOG.begin()
    begin(main)
    debug = "--debug" in arguments or bool(os.environ.get("ALLOWLIST_DEBUG"))
    try:
        with traced("allowlist", os.environ, __version__, say):
            result = main.main(args=arguments, prog_name="allowlist", standalone_mode=False)
        return int(result) if isinstance(result, int) else Exit.DONE
    except AllowlistError as error:
        return _tell(error)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        _tell_usage(error)
        return Exit.FAILED
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return Exit.FAILED
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            return _tell(_no_room(error))
        if debug:
            raise
        say(f"error: unexpected {type(error).__name__}: {error}")
        say("hint: this is a defect of allowlist; run again with --debug and report what it shows")
        return Exit.FAILED


def _no_room(error: OSError) -> AllowlistError:
    """Streams and files that are only passed through have no name; those that stay are named by whoever writes them."""
    import tempfile
    import traceback

    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    printed = frame.f_code.co_filename.endswith(("console.py", os.path.join("click", "utils.py")))
    unnamed = "standard output" if printed else f"a file in {tempfile.gettempdir()}"
    return AllowlistError(
        f"{error.filename or unnamed} cannot be written: {error.strerror}",
        hint="what was done stands; of runs it is told by: allowlist history",
    )


def _show_help(arguments: list[str]) -> int:
    """The list of commands: nothing is narrated, traced or read, so nothing for it is imported."""
    try:
        main.main(args=arguments, prog_name="allowlist", standalone_mode=False, terminal_width=_help_width())
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 1
    return Exit.DONE


def _help_width() -> int:
    """As wide as click would make it, without what it imports for that."""
    with suppress(ValueError, OSError):
        columns = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(sys.__stdout__.fileno()).columns  # type: ignore[union-attr]
        return max(min(columns or 80, _WIDEST) - 2, 50)
    return 78


def say(text: str, level: str = "info", **fields: Any) -> None:
    """Narration; imported when there is something to tell."""
    from allowlist.cli.console import say as narrate

    narrate(text, level, **fields)


def _tell(error: AllowlistError) -> int:
    from allowlist.observe.logs import LOG

    if LOG.is_json:
        say(str(error), "error", hint=error.hint, exit_code=int(error.exit_code))
        return error.exit_code
    for number, line in enumerate(str(error).split("\n")):
        say(f"error: {line}" if number == 0 else f"       {line}")
    for line in error.hint.split("\n") if error.hint else ():
        say(f"hint: {line}")
    return error.exit_code


def _tell_usage(error: click.ClickException) -> None:
    from allowlist.observe.logs import LOG

    if LOG.is_json:
        say(error.format_message(), "error", exit_code=int(Exit.FAILED))
    else:
        error.show()
