"""The few expressions on which SQL engines differ, each said once per engine.

Measured differences that this layer hides: a backslash in a literal is text for DuckDB and an escape for Spark; ``trim``
takes its characters in another place; a timestamp without a zone is ``TIMESTAMP`` here and ``TIMESTAMP_NTZ`` there;
``split`` takes a text here and a regular expression there; ``concat`` skips NULL here and becomes NULL there (so only
``||`` is used). Every method has a law in tests/traffic that runs the expression on both.
"""

from __future__ import annotations

from typing import Final


class Dialect:
    """Renders expressions; arguments and results are SQL text. This class is DuckDB's."""

    name = "duckdb"
    timestamp = "TIMESTAMP"

    def literal(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def part(self, text: str, pattern: str, group: int = 1) -> str:
        """What ``group`` of the first match of ``pattern`` holds; empty where nothing matches, NULL for NULL."""
        return f"regexp_extract({text}, {self.literal(pattern)}, {group})"

    def fits(self, text: str, pattern: str) -> str:
        """Is ``pattern`` found in ``text``? Anchor it to mean the whole."""
        return f"regexp_matches({text}, {self.literal(pattern)})"

    def stripped(self, text: str, characters: str) -> str:
        """Without any of ``characters`` at both ends."""
        return f"trim({text}, {self.literal(characters)})"

    def moment(self, text: str) -> str:
        """'2026-11-23T09:10:00' as a timestamp without a zone; NULL for what is none."""
        return f"try_cast({text} AS {self.timestamp})"

    def moment_of_seconds(self, text: str) -> str:
        """Whole seconds since 1970, as text, as a timestamp in UTC; NULL for what is none."""
        return f"CAST(make_timestamp(try_cast({text} AS BIGINT) * 1000000) AS {self.timestamp})"

    def minutes_before(self, moment: str, minutes: str) -> str:
        return f"({moment} - to_minutes({minutes}))"

    def number(self, text: str) -> str:
        """Digits as a number; NULL for anything else, as one engine rounds 443.5 and another refuses it."""
        return f"CASE WHEN {self.fits(text, '^-?[0-9]{1,9}$')} THEN try_cast({text} AS INTEGER) END"

    def day(self, moment: str) -> str:
        return f"CAST({moment} AS DATE)"

    def hour_bit(self, moment: str) -> str:
        """1 shifted by the hour of the day: hours seen are gathered by bit_or."""
        return f"CAST(1 << hour({moment}) AS INTEGER)"

    def element(self, text: str, separator: str, number: int) -> str:
        """Element ``number``, from 1, of what ``separator`` cuts; empty beyond the end."""
        return f"split_part({text}, {self.literal(separator)}, {number})"

    def each(self, items: str) -> str:
        """One row for each element; one row with NULL where there is none."""
        return f"unnest(CASE WHEN len({items}) > 0 THEN {items} ELSE [NULL] END)"


class SparkDialect(Dialect):
    """Apache Spark 4, ANSI mode on or off."""

    name = "spark"
    timestamp = "TIMESTAMP_NTZ"

    def literal(self, text: str) -> str:
        # A raw literal cannot hold its own quote, an ordinary one reads backslashes: quotes apart, all is raw.
        return " || ".join('"\'"' if piece == "'" else f"r'{piece}'" for piece in _pieces(text))

    def part(self, text: str, pattern: str, group: int = 1) -> str:
        return f"regexp_extract({text}, ({self.literal(pattern)}), {group})"

    def fits(self, text: str, pattern: str) -> str:
        return f"regexp({text}, ({self.literal(pattern)}))"

    def stripped(self, text: str, characters: str) -> str:
        return f"trim(BOTH {self.literal(characters)} FROM {text})"

    def moment_of_seconds(self, text: str) -> str:
        seconds = f"try_cast({text} AS BIGINT)"
        return f"(TIMESTAMP_NTZ'1970-01-01 00:00:00' + make_dt_interval(0, 0, 0, CAST({seconds} AS DECIMAL(18, 6))))"

    def minutes_before(self, moment: str, minutes: str) -> str:
        return f"({moment} - make_dt_interval(0, 0, {minutes}, 0))"

    def hour_bit(self, moment: str) -> str:
        return f"shiftleft(1, hour({moment}))"

    def each(self, items: str) -> str:
        return f"explode(CASE WHEN size({items}) > 0 THEN {items} ELSE array(NULL) END)"


def _pieces(text: str) -> list[str]:
    """``text`` cut so that every quote stands alone; one empty piece for an empty text."""
    parts = text.split("'")
    pieces = [parts[0]]
    for part in parts[1:]:
        pieces += ["'", part]
    return [piece for piece in pieces if piece] or [""]


DUCKDB: Final = Dialect()
SPARK: Final = SparkDialect()
