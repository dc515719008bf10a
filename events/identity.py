"""Who a ref is, as the state knows it; and the erasure of a person. One stream per ref."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from events.commit import Commit
from events.sealing import keyed_digest
from events.stored import Event, Standing
from events.streams import category, names_owner
from schemas.louisiana_sts.records import RACE_FLAGS, Fields

NEVER_ISSUED = "9"
"""No social security number above 899999999 is issued; temporary ids start with 99 (R-011)."""


class StudentIdentified(Event, frozen=True):
    """The student's legal identity, from the eScholar extract or a nonpublic 020 (R-008, R-007). Sealed whole.

    `birth_date` is YYYY-MM-DD; `ssn` nine digits or empty; `ethnicity` six Y or N in the order of the 020's flags.
    """

    stored_name = "student-identified"
    stored_version = 2

    first_name: str
    last_name: str
    middle_name: str = ""
    suffix: str = ""
    birth_date: str = ""
    ssn: str = ""
    sex: str = ""
    ethnicity: str = ""


def add_ethnicity(content: dict[str, Any]) -> dict[str, Any]:
    """Bring v1 forward, which did not hold the flags."""
    return content | {"ethnicity": ""}


class StudentErased(Event, frozen=True):
    """The student's key is to be destroyed: every sealed part becomes unreadable for ever, every row goes.

    `order` names the order that demanded it (a docket or ticket number), never the person.
    """

    stored_name = "student-erased"
    clear_fields = frozenset({"order"})

    order: str


IdentityEvent = StudentIdentified | StudentErased


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody has said who this is."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The person was erased; the ref stands for nobody."""

    order: str


IdentityState = Unknown | StudentIdentified | Erased


class IdentityStanding(Standing, frozen=True):
    """What is clear of an identity: a keyed digest, so that a change can be seen and nothing be guessed."""

    identity: str


def evolve(_state: IdentityState, event: IdentityEvent) -> IdentityState:
    """Fold one event."""
    return Erased(event.order) if isinstance(event, StudentErased) else event


def decide(proposed: IdentityEvent, state: IdentityState) -> tuple[IdentityEvent, ...]:
    """An identity that says nothing new changes nothing; nothing happens to an erased student."""
    return () if isinstance(state, Erased) or proposed == state else (proposed,)


def identity_in_record(student: Fields) -> StudentIdentified:
    """Return who a nonpublic 020 says its student is (R-007). A state id that is no SSN, as 99 ones, gives no SSN."""
    get, state_id = student.get, student.get("state_identification_number", "")
    return StudentIdentified(
        first_name=get("first_name", ""),
        last_name=get("last_name", ""),
        middle_name=get("middle_name", ""),
        suffix=get("suffix_name", ""),
        birth_date=iso_date(get("birth_date", "")),
        ssn="" if state_id.startswith(NEVER_ISSUED) else state_id,
        sex=get("sex_code", ""),
        ethnicity="".join(get(flag, "") for flag in RACE_FLAGS),
    )


def iso_date(mmddyyyy: str) -> str:
    """Turn MMDDYYYY into YYYY-MM-DD; what is no day is not known."""
    try:
        return date(int(mmddyyyy[4:]), int(mmddyyyy[:2]), int(mmddyyyy[2:4])).isoformat()
    except ValueError:
        return ""


def standing(state: IdentityState, key: bytes) -> IdentityStanding:
    """Say in clear how the identity stands."""
    if not isinstance(state, StudentIdentified):
        return IdentityStanding(identity="")
    return IdentityStanding(identity=keyed_digest(key, msgspec.json.encode(state), purpose="identity"))


def is_erasure(commit: Commit) -> bool:
    """Whether a commit erases a student."""
    on_identity = category(commit.stream) == "identity" and names_owner(commit.stream)
    return on_identity and any(event.name == StudentErased.stored_name for event in commit.events)
