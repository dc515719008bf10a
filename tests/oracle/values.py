"""What a value is: digits, a date, a letter. All of bytes, so that no other script's digit counts as one."""

from datetime import date

PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ACCENTED = frozenset(range(0xC0, 0x100)) - {0xD7, 0xF7} | {0xAA, 0xB5, 0xBA}
LETTERS = frozenset(PLAIN) | ACCENTED
"""A to Z and the accented letters of Latin-1 (R-030a), with the two ordinal signs and mu, letters to Unicode."""


def is_digits(value: bytes, length: int) -> bool:
    """Exactly so many of 0 to 9."""
    return len(value) == length and value.isdigit()


def is_code(value: bytes, length: int) -> bool:
    """So many characters without a blank inside."""
    return len(value) == length and b" " not in value


def number(value: bytes, length: int) -> int | None:
    """The whole number in a field that must be all digits; None where it is not, so that no comparison holds."""
    return int(value) if is_digits(value, length) else None


def real_date(value: bytes) -> date | None:
    """MMDDYYYY as a day of the calendar."""
    if not is_digits(value, 8):
        return None
    try:
        return date(int(value[4:]), int(value[:2]), int(value[2:4]))
    except ValueError:
        return None


def is_letter(value: bytes) -> bool:
    """One letter."""
    return len(value) == 1 and value[0] in LETTERS
