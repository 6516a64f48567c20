"""Faults as text, for ``--fault`` and the control endpoint.

::

    METHOD:KIND:WORD[,WORD…][:WORD…]      one fault
    random:WORD[,WORD…]                   faults by chance

``METHOD`` is GET, PUT, PATCH, DELETE, POST or ``*``; ``KIND`` a type path or its last part
(``ruleCollectionGroups``), ``operations`` for polls, or ``*``. A ``WORD`` is the name of a preset
(``busy``, ``reset-after``, …) or one of

=================== =====================================================================
``nth=N`` ``nth=N-M`` only the Nth matching request, or the Nth to the Mth (``nth=2-`` from the second on)
``times=N``         only the first N matching requests
``chance=P``        each with probability P
``contains=TEXT``   only paths that contain TEXT
``seed=N``          seed for ``chance`` or ``random``
``status=N``        answer with this status; with ``code=``, ``message=``, ``envelope=E1|E2|E3|empty|page``, ``retry-after=``
``reset=WHEN``      drop the connection ``before`` or ``after`` the request was carried out
``operation=HOW``   the operation ``fail``s, is ``lost``, is ``slow`` (``factor=N``), ends ``half`` done, is ``gone``
                    once it ended, or leaves something ``unfit`` (a rule that reads Failed, ``message=`` says why)
``landed=yes``      with ``status=`` or ``operation=fail``: the change happens all the same
``location=bare``   operation URLs come without api-version
``lag=SECONDS``     a resource's provisioning state ends that much later than its operation
``edit=WHEN``       somebody else edits the resource ``before`` or ``after``
``body=WHAT``       carry the request out and answer ``null``, ``empty``, ``object``, ``array``, ``html``, ``error``,
                    ``no-value``, ``no-content`` or ``cut`` in place of the body, or the body with one thing
                    wrong: ``no-id``, ``no-properties``, ``another`` (resource), ``link-again``, ``link-elsewhere``
``redirect=URL``    with ``status=302``: where to
``newest=DATE``     a cloud without newer api-versions: ``NoRegisteredProviderFound``
``etag=stale``      show an etag that is not the current one
``skew=SECONDS``    the Date header is off
``delay=SECONDS``   answer late
``rate=P`` ``only=A+B`` for ``random``: probability per request, and which presets
=================== =====================================================================

For example ``PUT:ruleCollectionGroups:nth=2:status=429,retry-after=1``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from allowlist.documents.reader import near_miss
from allowlist.errors import InvalidInput
from allowlist.simulator.faults.effects import BENT, BODIES, PRESETS, Effect
from allowlist.simulator.faults.plan import Chance, Fault

_METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "*")


def parse_fault(text: str) -> Fault | Chance:
    """Read one fault. Raises InvalidInput that names the word and what was probably meant."""
    head, *parts = text.split(":")
    if head.lower() == "random":
        return _parse_chance(text, _words(":".join(parts)))
    if len(parts) < 2:
        raise _wrong(text, "has the form METHOD:KIND:WORD[,WORD…], for example PUT:ruleCollectionGroups:busy")
    if head.upper() not in _METHODS:
        raise _wrong(text, f"knows no method '{head}'; write one of {', '.join(_METHODS)}")
    fault = Fault(effect=Effect(), method=head.upper(), kind=parts[0], label=text)
    for word in _words(":".join(parts[1:])):
        _apply(text, fault, word)
    if fault.effect == Effect():
        raise _wrong(text, "does nothing; add a preset such as 'busy' or an effect such as 'status=503'")
    return fault


def _words(text: str) -> list[str]:
    return [word.strip() for part in text.split(":") for word in part.split(",") if word.strip()]


def _apply(text: str, fault: Fault, word: str) -> None:
    name, separator, value = word.partition("=")
    if not separator and name in PRESETS:
        fault.effect = _merged(fault.effect, PRESETS[name])
    elif separator and name in _SELECTORS:
        _SELECTORS[name](fault, _converted(text, word, value, _NUMBERS.get(name, str)))
    elif separator and name in _EFFECTS:
        field, convert = _EFFECTS[name]
        fault.effect = replace(fault.effect, **{field: _converted(text, word, value, convert)})
    else:
        raise _wrong(text, f"knows no word '{word}'{near_miss(name, [*PRESETS, *_SELECTORS, *_EFFECTS])}")


def _merged(first: Effect, second: Effect) -> Effect:
    plain = Effect()
    changed = {
        name: getattr(second, name)
        for name in Effect.__slots__
        if getattr(second, name) != getattr(plain, name)
    }
    return replace(first, **changed)


def _converted(text: str, word: str, value: str, convert: Callable[[str], Any]) -> Any:
    try:
        return convert(value)
    except ValueError:
        raise _wrong(text, f"cannot read '{word}'") from None


def _parse_chance(text: str, words: list[str]) -> Chance:
    given: dict[str, Any] = {"rate": 0.1}
    for word in words:
        name, _, value = word.partition("=")
        if name not in _CHANCE:
            raise _wrong(text, f"knows no word '{word}'{near_miss(name, _CHANCE)}")
        given[name] = _converted(text, word, value, _CHANCE[name])
    unknown = [name for name in given.get("only", ()) if name not in PRESETS]
    if unknown:
        raise _wrong(text, f"knows no preset '{unknown[0]}'{near_miss(unknown[0], PRESETS)}")
    return Chance(**given)


def _one_of(*words: str) -> Callable[[str], str]:
    def convert(value: str) -> str:
        if value not in words:
            raise ValueError(value)
        return value

    return convert


def _range(value: str) -> tuple[int, int]:
    first, dash, last = value.partition("-")
    return int(first), int(last or 10**9) if dash else int(first)


def _set_range(fault: Fault, value: tuple[int, int]) -> None:
    fault.first, fault.last = value


def _set_times(fault: Fault, value: int) -> None:
    fault.last = fault.first + value - 1


def _set_chance(fault: Fault, value: float) -> None:
    fault.chance = value


def _set_seed(fault: Fault, value: int) -> None:
    fault.random = Random(value)


def _set_contains(fault: Fault, value: str) -> None:
    fault.contains = value


_NUMBERS: dict[str, Callable[[str], Any]] = {"nth": _range, "times": int, "chance": float, "seed": int}
_SELECTORS: dict[str, Callable[[Fault, Any], None]] = {
    "nth": _set_range,
    "times": _set_times,
    "chance": _set_chance,
    "seed": _set_seed,
    "contains": _set_contains,
}
_EFFECTS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "status": ("status", int),
    "code": ("code", str),
    "message": ("message", str),
    "envelope": ("envelope", _one_of("E1", "E2", "E3", "empty", "page")),
    "retry-after": ("retry_after", str),
    "reset": ("reset", _one_of("before", "after")),
    "operation": ("operation", _one_of("fail", "lost", "slow", "half", "gone", "unfit")),
    "landed": ("landed", lambda value: bool(_one_of("yes")(value))),
    "location": ("bare_location", lambda value: bool(_one_of("bare")(value))),
    "lag": ("lag", float),
    "factor": ("factor", float),
    "edit": ("edit", _one_of("before", "after")),
    "body": ("body", _one_of(*BODIES, *BENT, "cut")),
    "redirect": ("redirect", str),
    "newest": ("newest", str),
    "etag": ("stale_etag", lambda value: bool(_one_of("stale")(value))),
    "skew": ("skew", float),
    "delay": ("delay", float),
}
_CHANCE: dict[str, Callable[[str], Any]] = {
    "rate": float,
    "seed": int,
    "only": lambda value: tuple(value.split("+")),
}


def _wrong(text: str, message: str) -> InvalidInput:
    return InvalidInput.of(f"--fault '{text}'", message, hint="see the grammar: allowlist simulate --help")
