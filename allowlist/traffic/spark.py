"""The same question on Apache Spark, for logs that outgrow one machine; only aggregates come back.

Needs PySpark 4 (``pip install pyspark``). The SQL is that of :mod:`allowlist.traffic.query` in Spark's dialect, over lines
read as text, so that a line that is no JSON stays a line. Files are named by where they are stored; their shapes are
decided as everywhere, by :func:`allowlist.traffic.files.sniff` over the first lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from allowlist.traffic.dialect import SPARK
from allowlist.traffic.query import aggregate, judged_rows
from allowlist.traffic.shapes import MEMBERS, Shape, Struct, columns_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def aggregated(spark: SparkSession, paths: Sequence[str], shape: Shape, *, zone: str = "") -> DataFrame:
    """Groups of flows with their counts, by the keys of :data:`allowlist.traffic.query.KEYS`; ``file`` is 0."""
    relation = _relation(spark, paths, shape)
    return spark.sql(aggregate(columns_of(shape, relation, SPARK), SPARK, file="0", zone=zone))


def judged(spark: SparkSession, lines: Sequence[str], shape: Shape) -> DataFrame:
    """Every one of ``lines`` by itself, with why it would be left out."""
    frame = spark.createDataFrame(
        [(number, line, "0") for number, line in enumerate(lines)], "r BIGINT, line STRING, file STRING"
    )
    frame.createOrReplaceTempView("allowlist_lines")
    return spark.sql(
        judged_rows(
            columns_of(shape, _parsed(shape, "allowlist_lines", ", r, file"), SPARK, "file, r"), SPARK
        )
    )


def _relation(spark: SparkSession, paths: Sequence[str], shape: Shape) -> str:
    spark.read.text(list(paths)).withColumnRenamed("value", "line").where(
        "trim(line) <> ''"
    ).createOrReplaceTempView("allowlist_logs")
    return _parsed(shape, "allowlist_logs", "")


def _parsed(shape: Shape, view: str, kept: str) -> str:
    """Members as columns. Level by level, every value as text: Spark gives a whole struct or list up for one member or element
    of another kind, and of a member that stands twice it takes the last; a map keeps both, and answers with the first.
    """
    if shape not in MEMBERS:
        return view
    members = MEMBERS[shape]
    return f"(SELECT j.*{kept} FROM (SELECT {_value('line', members)} AS j{kept} FROM {view}) AS parsed) AS members"


_MODE = "map('mode', 'PERMISSIVE', 'allowUnquotedControlChars', 'false')"


def _value(text: str, kind: str | Struct, depth: int = 0) -> str:
    """JSON in ``text`` as what ``kind`` says."""
    if isinstance(kind, str):
        return text
    item = f"x{depth}"
    if "[]" in kind:
        inner = _value(item, kind["[]"], depth + 1)
        return f"transform(from_json({text}, 'ARRAY<STRING>', {_MODE}), {item} -> {inner})"
    members = ", ".join(
        f"'{name}', {_value(f'{item}[{name!r}]', inner, depth + 1)}" for name, inner in kind.items()
    )
    # Bound to a name, so that a text is parsed once and not for each of its members.
    return f"transform(array(from_json({text}, 'MAP<STRING, STRING>', {_MODE})), {item} -> named_struct({members}))[0]"


def rows_of(frame: DataFrame) -> list[tuple[Any, ...]]:
    """The aggregate as plain rows."""
    return [tuple(row) for row in frame.collect()]
