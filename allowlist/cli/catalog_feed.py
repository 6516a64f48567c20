"""``allowlist catalog index|follow|changes``: catalogs published over HTTPS, signed, and followed from elsewhere."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from allowlist.cli.catalog_common import FOLDER, JSON, library, print_json
from allowlist.cli.common import ca_file_option, exit_code_option
from allowlist.cli.console import put, put_lines, say
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted

if TYPE_CHECKING:
    from allowlist.catalog.following import Followed
    from allowlist.catalog.published import Signed

SIGNERS = click.option(
    "--allowed-signers",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Take an index only with a signature that this file of SSH keys vouches for; with --signed-by.",
)
SIGNED_BY = click.option(
    "--signed-by", metavar="NAME", help="Whose signature it must be, as the allowed signers name them."
)


@click.command()
@click.option(
    "-o",
    "--output",
    "into",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write.",
)
@click.option(
    "--sign",
    "key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="SSH key that signs the index; the signature is written beside it.",
)
@FOLDER
def index(into: Path, key: Path | None, folder: Path | None) -> None:
    """Write the catalogs with an index of their digests, ready to be published over HTTPS or carried on a disk.

    The index has a version (YYYYMMDDNN) that follows from the catalogs and only rises, and names a file of all changes.

    \b
    Example: allowlist catalog index -o public/catalogs --sign ~/.ssh/id_ed25519
    """
    from allowlist.catalog.following import SIGNATURE_SUFFIX
    from allowlist.catalog.index import write_beside, write_index
    from allowlist.catalog.library import shipped_catalogs
    from allowlist.catalog.published import INDEX_FILE
    from allowlist.store.signatures import sign

    written = write_index(folder or shipped_catalogs(), into)
    signature = into / (INDEX_FILE + SIGNATURE_SUFFIX)
    signature.unlink(missing_ok=True)
    if key:
        write_beside(signature, sign((into / INDEX_FILE).read_bytes(), key).encode("ascii"))
    by = f", signed with {key}" if key else ""
    say(
        f"wrote {into / INDEX_FILE}, version {written.version}, with {counted(len(written.catalogs), 'catalog')}{by}"
    )


@click.command()
@click.argument("url", metavar="URL|FOLDER")
@click.option(
    "-o",
    "--output",
    "into",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of catalogs to bring up to date; other commands read it with --catalogs.",
)
@click.option(
    "--accept-shrink", is_flag=True, help="Take catalogs that suddenly end most of their entries too."
)
@SIGNERS
@SIGNED_BY
@ca_file_option
@exit_code_option
@JSON
def follow(
    url: str,
    into: Path,
    accept_shrink: bool,
    allowed_signers: Path | None,
    signed_by: str | None,
    exit_code: bool,
    as_json: bool,
) -> int:
    """Bring a folder up to date with the index of catalogs at URL, or in a FOLDER that was carried in.

    Nothing is ever removed; what the index does not vouch for, history that differs, and an index older than the one
    followed before are refused. The last line says how a workload pins this index, under 'catalogs:'.

    \b
    Example: allowlist catalog follow https://catalogs.example/index.json -o catalogs
    """
    from allowlist.catalog.following import follow_index
    from allowlist.catalog.published import index_at, open_client

    signed = _signature_check(allowed_signers, signed_by)
    with open_client() as client:
        found = follow_index(url, into, client=client, accept_shrink=accept_shrink, signed=signed)
    if as_json:
        print_json(found)
    else:
        _tell(found, index_at(url), signed_by)
    pending = exit_code and bool(found.held)
    return Exit.FAILED if found.refused else Exit.PENDING if pending else Exit.DONE


def _tell(found: Followed, url: str, signed_by: str | None) -> None:
    for name in found.updated:
        put(f"updated {name}")
    for name, reason in found.refused.items():
        say(f"refused {name}: {reason}")
    for name, reason in found.held.items():
        say(f"held back {name}: {reason} (--accept-shrink)")
    kept = f"; not in the index and kept: {', '.join(found.kept)}" if found.kept else ""
    say(f"unchanged: {len(found.unchanged)}{kept}")
    say(f"version {found.version or 'unknown'}, {_whose(signed_by)}")
    put(f"index: {url}@sha256:{found.digest}")


def _whose(signed_by: str | None) -> str:
    return f"signed by {signed_by}" if signed_by else "its signature not checked (--allowed-signers)"


@click.command()
@click.option(
    "--since",
    required=True,
    metavar="DAY|VERSION",
    help="First day, such as 2025-01-01, or the version of an index, such as 2025010100.",
)
@click.option(
    "--index", "place", metavar="URL|FOLDER", help="Ask a published index instead of the catalogs here."
)
@SIGNERS
@SIGNED_BY
@ca_file_option
@FOLDER
@JSON
def changes(
    since: str,
    place: str | None,
    allowed_signers: Path | None,
    signed_by: str | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """List what changed in all catalogs since a day or a version: a feed for people and machines.

    \b
    Example: allowlist catalog changes --since 2025-01-01 --json
    """
    from allowlist.catalog.feed import FEED_SCHEMA, feed_since
    from allowlist.catalog.following import changes_at
    from allowlist.catalog.index import version_of
    from allowlist.catalog.published import open_client
    from allowlist.render.catalog import render_feed

    first = _first_day(since)
    signed = _signature_check(allowed_signers, signed_by)
    if place:
        with open_client() as client:
            version, items = changes_at(
                place, since if since.isdecimal() else first, client=client, signed=signed
            )
    elif signed:
        raise click.UsageError("--allowed-signers is about a published index: name it with --index")
    else:
        known = library(folder)
        version, items = version_of(known), feed_since(known, first)
    if as_json:
        print_json(
            {"schema": FEED_SCHEMA, "since": since, "version": version, "changes": msgspec.to_builtins(items)}
        )
    else:
        put_lines(render_feed(items))


def _first_day(since: str) -> str:
    from allowlist.catalog.index import day_of
    from allowlist.errors import CatalogError

    try:
        return dt.date.fromisoformat(day_of(since) if since.isdecimal() else since).isoformat()
    except (ValueError, CatalogError):
        raise click.UsageError(
            f"--since {since} is neither a day such as 2025-01-01 nor a version such as 2025010100"
        ) from None


def _signature_check(allowed_signers: Path | None, signed_by: str | None) -> Signed | None:
    if bool(allowed_signers) != bool(signed_by):
        raise click.UsageError("--allowed-signers and --signed-by belong together")
    if not allowed_signers or not signed_by:
        return None
    from allowlist.store.signatures import verify

    name, keys = signed_by, allowed_signers

    def check(content: bytes, signature: str) -> None:
        verify(content, signature, name, keys, dt.datetime.now(dt.UTC))

    return check
