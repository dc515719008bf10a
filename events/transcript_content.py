"""What an official transcript says: all that its document needs and nothing else, as plain values.

Credits and quality points are whole hundredths; dates are YYYY-MM-DD; a school year is its first calendar year (BSSY).
A text that is not known is empty. Nothing here is ever a social security number.
"""

import hashlib
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of all parts. An empty field is left out of the digest, so a later part may get one more."""


class School(Part, frozen=True):
    """Who answers for the transcript: state, department, district (sponsor) and school (site)."""

    state: str
    department: str
    sponsor_code: str
    site_code: str
    sponsor: str = ""
    site: str = ""


class Student(Part, frozen=True):
    """Whose transcript it is.

    `name_known` is false where only a first letter and three letters are (R-009); then `birth_day`, the day of a month,
    stands for the birth date. `state_id` is a public student's LASID; a nonpublic one is a social security number or
    stands for one, and is left out (R-007).
    """

    name: str
    transcript_id: str
    name_known: bool = True
    birth_date: str = ""
    birth_day: str = ""
    state_id: str = ""
    local_id: str = ""


class Diploma(Part, frozen=True):
    """The pathway, and how it ended. `assessments` says how the state's graduation assessments were met (R-144)."""

    code: str = ""
    name: str = ""
    career_option_code: str = ""
    career_option: str = ""
    graduation_date: str = ""
    assessments: str = ""


class Course(Part, frozen=True):
    """One 030. `part` is 1 or 2 of a course sent as two halves; `school` is empty for the student's own (R-005)."""

    term: str
    code: str
    name: str
    grade: str
    part: str = ""
    type_code: str = ""
    type: str = ""
    attempted: int = 0
    earned: int = 0
    points: int = 0
    waived: bool = False
    school: str = ""


class SchoolYear(Part, frozen=True):
    """The courses of one school year, and the sums of their credits as listed."""

    bssy: str
    courses: tuple[Course, ...]
    attempted: int = 0
    earned: int = 0


class Credential(Part, frozen=True):
    """One industry-based credential (050)."""

    code: str
    bssy: str
    term: str
    passed: bool
    name: str = ""


class Endorsement(Part, frozen=True):
    """An endorsement or seal, spelled out."""

    title: str
    detail: str = ""


class LocalFigures(Part, frozen=True):
    """What the school supplied and nobody calculated (R-126, R-135)."""

    gpa: str = ""
    rank: str = ""
    class_size: str = ""


class Transcript(Part, frozen=True):
    """Everything that makes one transcript differ from another: what the content digest covers."""

    school: School
    student: Student
    bssy: str
    diploma: Diploma
    local: LocalFigures
    years: tuple[SchoolYear, ...] = ()
    credentials: tuple[Credential, ...] = ()
    endorsements: tuple[Endorsement, ...] = ()
    attempted: int = 0
    earned: int = 0


class OfficialTranscript(msgspec.Struct, frozen=True):
    """One version of a transcript, as its document shows it.

    `version` counts from 0; the first has no mark, later ones [1], [2] (R-181). `ledger` (short id), `position` and
    `time` are those of the commit that made it official: the site's certification, or for a nonpublic school, which
    is not certified (R-173), the submission.
    """

    transcript: Transcript
    version: int
    ledger: str
    position: int
    time: datetime
    act: Literal["certified", "submitted"] = "certified"

    @property
    def mark(self) -> str:
        """The version in square brackets; nothing for the first."""
        return f"[{self.version}]" if self.version else ""


_canonical = msgspec.json.Encoder(order="sorted")


def content_digest(transcript: Transcript) -> str:
    """Return the SHA-256 (hex) of the canonical content: JSON, names sorted, empty fields left out."""
    return hashlib.sha256(_canonical.encode(transcript)).hexdigest()


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def transcript_id(ref: UUID) -> str:
    """Return the id that is printed for a student: 60 bits derived from the ref, not to be turned back into it.

    Written in Crockford's base 32, which has no I, L, O or U to misread: 7K2M-9QXA-4FDC.
    """
    number = int.from_bytes(hashlib.sha256(b"transcript/" + ref.bytes).digest()[:8], "big") >> 4
    letters = "".join(CROCKFORD[number >> shift & 31] for shift in range(55, -1, -5))
    return "-".join((letters[:4], letters[4:8], letters[8:]))
