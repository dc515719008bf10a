"""Codes that operators type: school years, sponsors and sites, refused before anything is opened."""

from services.cli.errors import CommandRefused


def school_year(text: str) -> str:
    """Return a BSSY. Raises CommandRefused."""
    if not (len(text) == 4 and text.isascii() and text.isdecimal() and text > "1900"):
        raise CommandRefused(
            f"{text!r} is no school year: give the first calendar year of the session, 2025 for 2025-26."
        )
    return text


def sponsor_code(text: str) -> str:
    """Return a sponsor's code. Raises CommandRefused."""
    if not (len(text) == 3 and text.isascii() and text.isalnum()):
        raise CommandRefused(f"{text!r} is no sponsor: give the three characters of its code.")
    return text


def site_code(text: str) -> str:
    """Return a site's code (R-006). Raises CommandRefused."""
    if not (len(text) == 6 and text.isascii() and text.isalnum()):
        raise CommandRefused(f"{text!r} is no site: give the six characters of its code, which start with its sponsor.")
    return text
