"""Invented transcript sets for tests of events: small, and recognisably nobody's."""

from hypothesis import strategies as st

from events.student import StudentEvent, StudentRecordSubmitted
from schemas.louisiana_sts.records import Fields, RecordSet

STUDENT: Fields = {
    "state_identification_number": "1000000017",
    "beginning_school_session_year": "2025",
    "sponsor_code": "017",
    "site_code": "017001",
    "sex_code": "F",
    "parental_guardian_consent_flag": "Y",
}
ALGEBRA: Fields = {"course_code": "160321", "letter_grade_code": "A", "core_curriculum_waiver_flag": "N"}
FRENCH: Fields = {"course_code": "120141", "letter_grade_code": "B", "core_curriculum_waiver_flag": "N"}
WELDING: Fields = {"ibc_code": "901", "pass_fail": "P"}
NURSING: Fields = {"ibc_code": "902", "pass_fail": "F"}


def full(*courses: Fields, student: Fields = STUDENT, credentials: tuple[Fields, ...] = ()) -> RecordSet:
    """A whole set."""
    return RecordSet("full", student, courses or (ALGEBRA,), credentials)


def alone(*credentials: Fields) -> RecordSet:
    """050 records alone."""
    return RecordSet("credentials", None, (), credentials)


def submitted(records: RecordSet) -> StudentRecordSubmitted:
    """The event that stores a whole set."""
    assert records.student is not None
    return StudentRecordSubmitted(records.student, records.courses, records.credentials)


HELD: StudentEvent = submitted(full(ALGEBRA, FRENCH, credentials=(WELDING,)))

names = st.sampled_from(["site_code", "grade", "course_code", "a", "b", "c"])
fields = st.dictionaries(names, st.text(min_size=1, max_size=4), max_size=4)
record_sets = st.builds(
    lambda student, courses, credentials: RecordSet("full", student, tuple(courses), tuple(credentials)),
    fields,
    st.lists(fields, max_size=4),
    st.lists(fields, max_size=3),
)
