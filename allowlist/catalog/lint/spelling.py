"""How two words differ: by a slip of the keyboard, or because they are two words."""

from __future__ import annotations

_SHORT = 3


def is_slip(word: str, meant: str) -> bool:
    """Is ``word`` what comes out when ``meant`` is typed badly once?

    Two neighbours swapped, one letter left out, doubled or hit wrong. A digit is never a slip (``api1``,
    ``api2``), and a word of three letters only counts when its neighbours are swapped or one is missing.
    """
    if word == meant or _digits(word) != _digits(meant):
        return False
    if _is_swapped(word, meant):
        return True
    if len(meant) == len(word) + 1:
        return len(word) >= _SHORT and _lacks_one(word, meant)
    if len(word) == len(meant) + 1:
        return len(meant) > _SHORT and _lacks_one(meant, word)
    return len(word) == len(meant) > _SHORT + 1 and sum(a != b for a, b in zip(word, meant, strict=True)) == 1


def is_disguised(word: str, meant: str) -> bool:
    """Does ``word`` only look like ``meant``? ``0`` for ``o``, ``1`` for ``l`` or ``i``, ``rn`` for ``m`` …"""
    return word != meant and _appearance(word) == _appearance(meant)


def _appearance(word: str) -> str:
    return word.replace("rn", "m").replace("vv", "w").translate(_LOOKS_LIKE)


_LOOKS_LIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "3": "e", "5": "s", "-": None})


def _digits(word: str) -> str:
    return "".join(letter for letter in word if letter.isdigit())


def _is_swapped(word: str, meant: str) -> bool:
    if len(word) != len(meant):
        return False
    wrong = [index for index, (a, b) in enumerate(zip(word, meant, strict=True)) if a != b]
    if len(wrong) != 2 or wrong[1] != wrong[0] + 1:
        return False
    first, second = wrong
    return word[first] == meant[second] and word[second] == meant[first]


def _lacks_one(shorter: str, longer: str) -> bool:
    return any(longer[:index] + longer[index + 1 :] == shorter for index in range(len(longer)))
