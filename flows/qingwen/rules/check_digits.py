"""What proves that a number is one of its kind: check digits, and dates inside of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

# First two digits of the codes of provinces (GB/T 2260).
_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()
)
_WEIGHTS, _CHECK_DIGITS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"


def is_proved(proof: str, found: str) -> bool:
    """Tell whether a proof holds of what a pattern found, whatever parts its digits and in whichever form they are.

    >>> is_proved("id-card", "110105 19491231 002x"), is_proved("luhn", "6222-0212-3456-7890-127")
    (True, False)
    """
    return PROOFS[proof](_signs(found))


def _signs(found: str) -> str:
    """Return the digits and letters of what a pattern found, as ASCII capitals."""
    return "".join(str(int(sign)) if sign.isdecimal() else sign.upper() for sign in found if sign.isalnum())


def _is_id_card(signs: str) -> bool:
    """Tell whether a number is an identity card's (GB 11643-1999; its check digit is that of ISO 7064 MOD 11-2)."""
    total = sum(int(sign) * weight for sign, weight in zip(signs, _WEIGHTS, strict=False))
    return signs[-1] == _CHECK_DIGITS[total % 11] and _is_born(signs[:2], signs[6:14])


def _is_born(province: str, day: str) -> bool:
    try:
        return province in _PROVINCES and date(int(day[:4]), int(day[4:6]), int(day[6:])).year >= 1900
    except ValueError:
        return False


def _is_luhn(signs: str) -> bool:
    """Tell whether a number's last digit is its check digit (ISO/IEC 7812-1, annex B)."""
    doubled = sum(sum(divmod(2 * int(sign), 10)) for sign in signs[-2::-2])
    return (doubled + sum(int(sign) for sign in signs[-1::-2])) % 10 == 0


PROOFS: Mapping[str, Callable[[str], bool]] = {
    "": lambda signs: True,
    "id-card": _is_id_card,
    "old-id-card": lambda signs: _is_born(signs[:2], f"19{signs[6:12]}"),
    "luhn": _is_luhn,
}
