"""A transcript as the feed carries it: the public contract's own shape of `events/transcript_content.py`.

Credits and quality points are whole hundredths, dates YYYY-MM-DD, a school year is its first calendar year. A text that
is not known is empty. No field is ever a social security number.
"""

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """Base of all parts: read from the ledger's own values, never changed."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class School(Part):
    """Who answers for the transcript."""

    state: str
    department: str
    sponsor_code: str = Field(description="School district or other sponsor.")
    site_code: str
    sponsor: str
    site: str


class Student(Part):
    """Whose transcript it is."""

    name: str
    transcript_id: str = Field(description="The id that is printed; it cannot be turned back into the ref.")
    name_known: bool = Field(description="False where only a first letter and three letters of the name are known.")
    birth_date: str
    birth_day: str = Field(description="The day of the month, where the whole date is not known.")
    state_id: str
    local_id: str


class Diploma(Part):
    """The pathway, and how it ended."""

    code: str
    name: str
    career_option_code: str
    career_option: str
    graduation_date: str
    assessments: str


class LocalFigures(Part):
    """What the school supplied and nobody calculated."""

    gpa: str
    rank: str
    class_size: str


class Course(Part):
    """One course of one term."""

    term: str
    code: str
    name: str
    grade: str
    part: str = Field(description="1 or 2 of a course that was sent as two halves.")
    type_code: str
    type: str
    attempted: int
    earned: int
    points: int
    waived: bool
    school: str = Field(description="Where it was taken, if not at the student's own school.")


class SchoolYear(Part):
    """The courses of one school year, in the order in which they are printed."""

    bssy: str
    courses: tuple[Course, ...]
    attempted: int
    earned: int


class Credential(Part):
    """One industry-based credential."""

    code: str
    bssy: str
    term: str
    passed: bool
    name: str


class Endorsement(Part):
    """An endorsement or seal, spelled out."""

    title: str
    detail: str


class FeedTranscript(Part):
    """Everything that a rendered transcript says."""

    school: School
    student: Student
    bssy: str = Field(description="Beginning school session year.")
    diploma: Diploma
    local: LocalFigures
    years: tuple[SchoolYear, ...]
    credentials: tuple[Credential, ...]
    endorsements: tuple[Endorsement, ...]
    attempted: int
    earned: int
