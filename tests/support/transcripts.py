"""An invented graduate with an ordinary history, and how to change one thing about it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from events.identity import StudentIdentified, Unknown
from events.student import Present, numbered
from events.transcript_content import OfficialTranscript, Transcript
from events.transcript_of_set import content_of
from schemas.layout import Variant
from schemas.louisiana_sts.labels import Names, labels
from schemas.louisiana_sts.records import Fields

REF = UUID("5d0c4a7e-91f3-4b62-8e0d-3a6b7c8d9e0f")
SSN = "666004711"
SITE = "017001"
CERTIFIED = datetime(2026, 5, 22, 17, 5, 9, tzinfo=UTC)
NAMES = Names(
    sponsors={"017": "Heron Parish School District"},
    sites={SITE: "Heron Bayou High School"},
    credentials={"901": "Welding, Level 1"},
)
EVANGELINE = StudentIdentified("Evangéline", "Thibodeaux-Landry", "Marie", birth_date="2008-02-29", ssn=SSN, sex="F")


class Row(NamedTuple):
    """One 030 in short: credits and points in hundredths, as in a file."""

    year: str
    term: str
    code: str
    name: str
    grade: str
    attempted: str = "100"
    earned: str = "100"
    points: str = "400"
    kind: str = "RG"
    elsewhere: str = ""

    def fields(self) -> Fields:
        own = {"course_sponsor_code": "017", "course_site_code": SITE}
        filled = {
            "course_beginning_school_session_year": self.year,
            "semester_code": self.term,
            "course_code": self.code,
            "transcript_course_name": self.name,
            "letter_grade_code": self.grade,
            "credit_attempted_count": self.attempted,
            "credit_earned_count": self.earned,
            "grade_point_maximum_count": "400",
            "quality_points_awarded_count": self.points,
            "course_type_code": self.kind,
            "core_curriculum_waiver_flag": "Y" if self.grade == "E" else "N",
            "course_site_name": self.elsewhere,
        }
        return {name: value for name, value in (filled | ({} if self.elsewhere else own)).items() if value}


ROWS = (
    Row("2022", "Y1", "120331", "English I", "B", points="300"),
    Row("2022", "Y1", "160321", "Algebra I", "A", kind="HR"),
    Row("2022", "Y1", "150301", "Biology I", "A", points="500", kind="HR"),
    Row("2022", "S1", "220501", "Civics", "B", "050", "050", "300"),
    Row("2022", "S2", "220502", "African American Studies", "A", "050", "050"),
    Row("2022", "Y1", "121401", "Spanish I", "A", elsewhere="École des Cyprès, Québec"),
    Row("2022", "S1", "190101", "Physical Education I", "A", "050", "050"),
    Row("2022", "S2", "190110", "Health Education", "P", "050", "050", "000"),
    Row("2023", "Y1", "120332", "English II", "B", points="300"),
    Row("2023", "Y1", "160323", "Geometry", "B", points="300", kind="HR"),
    Row("2023", "Y1", "150401", "Chemistry I", "C", points="200"),
    Row("2023", "Y1", "220404", "World History", "A", points="500", kind="AP"),
    Row("2023", "Y1", "121402", "Spanish II", "A"),
    Row("2023", "S1", "030201", "Art I", "A", "050", "050"),
    Row("2023", "S2", "030202", "Zydeco and Cajun Music: History, Practice and Performance", "A", "050", "050"),
    Row("2024", "Y1", "120333", "English III", "A", points="500", kind="AP"),
    Row("2024", "Y1", "160322", "Algebra II", "C", points="200"),
    Row("2024", "Y1", "150701", "Physics I", "F", "100", "000", "000"),
    Row("2024", "Y1", "220402", "U.S. History", "A", kind="HR"),
    Row("2024", "B1", "080411", "Welding Technology I", "A"),
    Row("2024", "B2", "080412", "Welding Technology II", "A"),
    Row("2025", "Y1", "120334", "English IV", "B", points="300", kind="DE", elsewhere="Heron Community College"),
    Row("2025", "Y1", "160345", "Advanced Math: Functions and Statistics", "B", points="300"),
    Row("2025", "Y1", "150701", "Physics I", "B", points="300"),
    Row("2025", "Y1", "220510", "Law Studies", "A"),
    Row("2025", "S2", "190105", "Physical Education II", "E", "000", "000", "000"),
)
STUDENT: Fields = {
    "beginning_school_session_year": "2025",
    "sponsor_code": "017",
    "site_code": SITE,
    "state_identification_number": "4004711002",
    "local_identification_number": "LC0004711",
    "partial_first_name": "E",
    "partial_last_name": "THI",
    "day_of_birth": "29",
    "diploma_pathway": "TU",
    "graduation_date": "05142026",
    "met_gee_eoc_flag": "Y",
    "local_gpa": "3.4127",
    "local_rank_in_class_position": "0012",
    "local_rank_in_class_size": "0214",
    "academic_endorsement_code": "A2",
    "community_service_endorsement": "C1",
    "state_seal_of_biliteracy_endorsement": "D4",
}
NONPUBLIC: Fields = STUDENT | {
    "state_identification_number": SSN,
    "first_name": "Evangéline",
    "middle_name": "Marie",
    "last_name": "Thibodeaux-Landry",
    "birth_date": "02292008",
    "partial_first_name": "",
    "partial_last_name": "",
    "day_of_birth": "",
}


def credential(code: str, year: str = "2024", term: str = "2", result: str = "P") -> Fields:
    return {"ibc_code": code, "year_ibc_earned": year, "semester_ibc_earned": term, "pass_fail": result}


CREDENTIALS = (credential("901"), credential("517", "2025", "1"))


def stored(
    courses: Iterable[Row] = ROWS,
    credentials: Sequence[Fields] = CREDENTIALS,
    student: Fields = STUDENT,
    **changes: str,
) -> Present:
    """A set as the student's stream holds it; a field changed to "" is not there."""
    held = {name: value for name, value in (student | changes).items() if value}
    return Present(held, numbered([row.fields() for row in courses]), numbered(credentials))


def transcript(
    state: Present | None = None,
    identity: StudentIdentified | Unknown = EVANGELINE,
    sector: Variant = "public",
    names: Names = NAMES,
) -> Transcript:
    return content_of(state or stored(), identity, sector=sector, ref=REF, labels=labels(), names=names)


def official(content: Transcript | None = None, version: int = 0) -> OfficialTranscript:
    """One version, as certified on May 22, 2026."""
    return OfficialTranscript(content or transcript(), version, "7f3a1b2c", 18342 + version, CERTIFIED)
