"""The transcript of a stored set: codes become words, records an order, and what may not be shown stays out."""

from collections.abc import Iterable
from itertools import groupby
from uuid import UUID

import msgspec

from events.identity import StudentIdentified, Unknown
from events.student import Numbered, Present
from events.transcript_content import (
    Course,
    Credential,
    Diploma,
    Endorsement,
    LocalFigures,
    School,
    SchoolYear,
    Student,
    Transcript,
    transcript_id,
)
from schemas.layout import Variant
from schemas.louisiana_sts.labels import NO_NAMES, Labels, Names
from schemas.louisiana_sts.records import Fields


def content_of(
    state: Present,
    identity: StudentIdentified | Unknown,
    *,
    sector: Variant,
    ref: UUID,
    labels: Labels,
    names: Names = NO_NAMES,
) -> Transcript:
    """Return the transcript of a stored set: the same values for the same set, in whatever order its records came."""
    student = readable(state.student)
    years = school_years(course_of(readable(each), student, labels, names) for each in state.courses.values())
    return Transcript(
        school=school_of(student, labels, names),
        student=student_of(student, identity, sector, ref),
        bssy=student["beginning_school_session_year"],
        diploma=diploma_of(student, labels),
        local=local_figures_of(student),
        years=years,
        credentials=credentials_of(state.credentials, labels, names),
        endorsements=endorsements_of(student, labels),
        attempted=sum(year.attempted for year in years),
        earned=sum(year.earned for year in years),
    )


def school_of(student: Fields, labels: Labels, names: Names) -> School:
    sponsor, site = student["sponsor_code"], student["site_code"]
    return School(
        state=labels.state,
        department=labels.department,
        sponsor_code=sponsor,
        site_code=site,
        sponsor=names.sponsors.get(sponsor, ""),
        site=names.sites.get(site, ""),
    )


def student_of(student: Fields, identity: StudentIdentified | Unknown, sector: Variant, ref: UUID) -> Student:
    """Return the student block: from the identity, else from what the 020 says."""
    name, birth_date = named_by(identity) if isinstance(identity, StudentIdentified) else named_in(student)
    state_id, local_id = student.get("state_identification_number", ""), student.get("local_identification_number", "")
    secrets = {ssn_of(identity), state_id if sector == "nonpublic" else ""}
    return Student(
        name=name or f"{student.get('partial_first_name', '')}. {student.get('partial_last_name', '')}…",
        transcript_id=transcript_id(ref),
        name_known=bool(name),
        birth_date=birth_date,
        birth_day="" if birth_date else student.get("day_of_birth", ""),
        state_id=unless_secret(state_id, secrets),
        local_id=unless_secret(local_id, secrets),
    )


def named_by(identity: StudentIdentified) -> tuple[str, str]:
    """Return legal name and birth date as the state knows them."""
    parts = (identity.first_name, identity.middle_name, identity.last_name, identity.suffix)
    return printable(" ".join(parts)), identity.birth_date


def ssn_of(identity: StudentIdentified | Unknown) -> str:
    return identity.ssn if isinstance(identity, StudentIdentified) else ""


def named_in(student: Fields) -> tuple[str, str]:
    """Return legal name and birth date as a nonpublic 020 carries them; both empty in a public one (R-009)."""
    parts = (student.get(f"{part}_name", "") for part in ("first", "middle", "last", "suffix"))
    return printable(" ".join(parts)), iso_date(student.get("birth_date", ""))


def unless_secret(number: str, secrets: set[str]) -> str:
    """Return an id unless it is a social security number, zero-filled or not (R-007, R-010)."""
    return "" if number.lstrip("0") in {each.lstrip("0") for each in secrets} else number


def diploma_of(student: Fields, labels: Labels) -> Diploma:
    pathway, option = student.get("diploma_pathway", ""), student.get("career_option_code", "")
    flag = student.get("met_gee_eoc_flag", "")
    return Diploma(
        code=pathway,
        name=labels.pathways.get(pathway, pathway),
        career_option_code=option,
        career_option=labels.career_options.get(option, ""),
        graduation_date=iso_date(student.get("graduation_date", "")),
        assessments=labels.assessments.get(flag, flag),
    )


def local_figures_of(student: Fields) -> LocalFigures:
    return LocalFigures(
        gpa=student.get("local_gpa", ""),
        rank=student.get("local_rank_in_class_position", "").lstrip("0"),
        class_size=student.get("local_rank_in_class_size", "").lstrip("0"),
    )


def course_of(fields: Fields, student: Fields, labels: Labels, names: Names) -> tuple[str, Course]:
    """Return one 030 with its school year."""
    year, code = fields["course_beginning_school_session_year"], fields["course_code"]
    kind = fields.get("course_type_code", "")
    return year, Course(
        term=fields.get("semester_code", ""),
        code=code,
        name=fields.get("transcript_course_name", "") or names.courses.get((year, code), code),
        grade=fields.get("letter_grade_code", ""),
        part=fields.get("course_part_number", ""),
        type_code=kind if kind in labels.course_types else "",
        type=labels.course_types.get(kind, ""),
        attempted=hundredths(fields, "credit_attempted_count"),
        earned=hundredths(fields, "credit_earned_count"),
        points=hundredths(fields, "quality_points_awarded_count"),
        waived=fields.get("core_curriculum_waiver_flag") == "Y",
        school=taken_at(fields, student, names),
    )


def taken_at(fields: Fields, student: Fields, names: Names) -> str:
    """Return where a course was taken, if not at the student's own school: a name, or else the site's code."""
    site = fields.get("course_site_code", "")
    if site == student["site_code"]:
        return ""
    return fields.get("course_site_name", "") or names.sites.get(site, site and f"site {site}")


def school_years(courses: Iterable[tuple[str, Course]]) -> tuple[SchoolYear, ...]:
    """Group courses by year, and order them by term, code, name and part; then by all the rest."""
    ordered = sorted(courses, key=lambda each: (each[0], *order_of(each[1])))
    years = groupby(ordered, key=lambda each: each[0])
    return tuple(school_year(year, tuple(course for _, course in listed)) for year, listed in years)


def order_of(course: Course) -> tuple[object, ...]:
    named_first = (course.term, course.code, course.name, course.part)
    return named_first, msgspec.structs.astuple(course)


def school_year(bssy: str, courses: tuple[Course, ...]) -> SchoolYear:
    return SchoolYear(bssy, courses, sum(each.attempted for each in courses), sum(each.earned for each in courses))


def credentials_of(credentials: Numbered, labels: Labels, names: Names) -> tuple[Credential, ...]:
    """Return the 050 records by year, semester and code; a pass before a fail."""
    ordered = sorted((readable(each) for each in credentials.values()), key=order_of_credential)
    return tuple(credential_of(fields, labels, names) for fields in ordered)


def order_of_credential(fields: Fields) -> tuple[str, str, str, bool]:
    return fields.get("year_ibc_earned", ""), fields.get("semester_ibc_earned", ""), fields["ibc_code"], is_fail(fields)


def credential_of(fields: Fields, labels: Labels, names: Names) -> Credential:
    semester = fields.get("semester_ibc_earned", "")
    return Credential(
        code=fields["ibc_code"],
        bssy=fields.get("year_ibc_earned", ""),
        term=labels.terms.get(semester, semester),
        passed=not is_fail(fields),
        name=names.credentials.get(fields["ibc_code"], ""),
    )


def is_fail(fields: Fields) -> bool:
    return fields.get("pass_fail") != "P"


def endorsements_of(student: Fields, labels: Labels) -> tuple[Endorsement, ...]:
    held = [(words, student.get(field, "")) for field, words in labels.endorsements.items()]
    return tuple(Endorsement(words["title"], words.get(code, code)) for words, code in held if code)


# --- Texts ------------------------------------------------------------------------------------------------------


def hundredths(fields: Fields, name: str) -> int:
    """Return a field with two implied decimals as a whole number (R-057)."""
    return int(fields.get(name) or 0)


def iso_date(text: str) -> str:
    """Return MMDDYYYY as YYYY-MM-DD."""
    return f"{text[4:]}-{text[:2]}-{text[2:4]}" if text else ""


def windows_1252(code: int) -> str:
    return bytes([code]).decode("windows-1252", errors="replace")


# Files are read as Latin-1, which has control characters at 80 to 9F; whoever sent one meant Windows' letter there.
PRINTED = {code: windows_1252(code) for code in range(0x80, 0xA0)} | dict.fromkeys((*range(32), 127), " ")


def printable(text: str) -> str:
    """Return a text as it can be printed on one line: no control characters, no doubled blanks."""
    return " ".join(text.translate(PRINTED).split())


def readable(fields: Fields) -> Fields:
    return {name: printable(value) for name, value in fields.items()}
