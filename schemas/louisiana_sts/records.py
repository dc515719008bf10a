"""What a Louisiana STS file holds: one record set per student (R-001), as text by field name."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from schemas.layout import Variant

Fields = dict[str, str]

STUDENT, COURSE, CREDENTIAL = "020", "030", "050"
SYSTEM = "STS"

RACE_FLAGS = (
    "hispanic_latino_ethnicity_flag",
    "american_indian_or_alaskan_native_race_flag",
    "asian_race_flag",
    "black_or_african_american_race_flag",
    "native_hawaiian_or_other_pacific_islander_race_flag",
    "white_race_flag",
)
"""The six flags of race and ethnicity in the order of the 020 (R-013)."""

# Fields that say which set a record belongs to; a student's own record keeps the last three.
TYPE_KEYS = frozenset({"system_indicator", "transaction_code"})
SET_KEYS = TYPE_KEYS | {"beginning_school_session_year", "sponsor_code", "state_identification_number"}


@dataclass(frozen=True, slots=True)
class RecordSet:
    """One student's records as sent: `full` replaces the whole stored set, `credentials` its 050 only (R-042, T-11).

    `student` leaves out the system indicator and transaction code; courses and credentials leave out the year,
    sponsor and state id too, which the student's stream already names.
    """

    kind: Literal["full", "credentials"]
    student: Fields | None
    courses: tuple[Fields, ...]
    credentials: tuple[Fields, ...]


@cache
def toml(name: str) -> dict[str, Any]:
    """One data file of this package, read once."""
    return tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))


def readings() -> Mapping[str, Any]:
    """The readings taken where the guide leaves room."""
    return toml("readings.toml")


def stored_fields(code: str, fields: Fields) -> Fields:
    """The fields of one record as they are stored: keys left out, defaults filled in (R-045, R-055)."""
    keys = TYPE_KEYS if code == STUDENT else SET_KEYS
    defaults: Fields = readings()["stored_default"].get(code, {})
    return defaults | {name: value for name, value in fields.items() if name not in keys}


def state_id_in(code: str, variant: Variant, raw: bytes) -> str:
    """The student's id as text. A nonpublic 050 may carry its nine digits in ten columns (NP-12)."""
    text = raw.decode("latin-1").rstrip(" ")
    if code == CREDENTIAL and variant == "nonpublic" and len(text) == 10 and text.startswith("0"):
        return text[1:]
    return text
