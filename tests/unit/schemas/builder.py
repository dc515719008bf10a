"""A valid Louisiana STS set to start from, and the file made of it."""

from collections.abc import Mapping
from datetime import date

from schemas.layout import Variant, load_layout
from schemas.louisiana_sts.checks import Findings, check_file
from schemas.reference import NO_TABLES, ReferenceTables

TODAY = date(2026, 6, 30)
VARIANTS: tuple[Variant, Variant] = ("public", "nonpublic")
STATE_IDS = {"public": "7712345678", "nonpublic": "666123456"}
STUDENT: Mapping[str, str] = {
    "local_identification_number": "LC0000001",
    "site_code": "017001",
    "sex_code": "F",
    "grade_placement_code": "12",
    "grade_9_entry_year": "2022",
    "hispanic_latino_ethnicity_flag": "N",
    "american_indian_or_alaskan_native_race_flag": "N",
    "asian_race_flag": "Y",
    "black_or_african_american_race_flag": "N",
    "native_hawaiian_or_other_pacific_islander_race_flag": "N",
    "white_race_flag": "N",
    "diploma_pathway": "TU",
    "parental_guardian_consent_flag": "Y",
}
SECTOR: Mapping[str, Mapping[str, str]] = {
    "public": {"partial_first_name": "V", "partial_last_name": "ZYL", "day_of_birth": "09"},
    "nonpublic": {"first_name": "Vorimquenda", "last_name": "Zylthmarope", "birth_date": "03092008"},
}
GRADUATE: Mapping[str, str] = {"graduation_date": "05152026", "met_gee_eoc_flag": "Y"}
COURSE: Mapping[str, str] = {
    "course_beginning_school_session_year": "2025",
    "course_code": "990101",
    "semester_code": "Y1",
    "letter_grade_code": "B",
    "credit_attempted_count": "100",
    "credit_earned_count": "100",
    "grade_point_maximum_count": "400",
    "core_curriculum_waiver_flag": "N",
    "course_sponsor_code": "017",
    "course_site_code": "017001",
    "quality_points_awarded_count": "300",
    "course_type_code": "RG",
}
CREDENTIAL: Mapping[str, str] = {
    "site_code": "017001",
    "local_identification_number": "LC0000001",
    "partial_last_name": "ZYL",
    "partial_first_name": "V",
    "ibc_code": "901",
    "semester_ibc_earned": "2",
    "year_ibc_earned": "2025",
    "test_vendor": "V01",
    "pass_fail": "P",
    "ibc_earned_sponsor_code": "017",
    "ibc_earned_site_code": "017001",
}
HALF = {"credit_attempted_count": "050", "credit_earned_count": "050"}
WHOLE_GRADES = ("P", "E")
OTHER_PART = {"1": "2", "2": "1"}
BASE = {"020": STUDENT, "030": COURSE, "050": CREDENTIAL}


def line(code: str, variant: Variant, changes: Mapping[str, str] | None = None) -> bytes:
    """One record of the base set. Changed values stand exactly as given, left-justified, so a fault stays a fault."""
    record = load_layout(variant)[code]
    fields = {
        "system_indicator": "STS",
        "transaction_code": code,
        "beginning_school_session_year": "2025",
        "sponsor_code": "017",
        "state_identification_number": STATE_IDS[variant],
        **BASE[code],
        **(SECTOR[variant] if code == "020" else {}),
    }
    whole = bytearray(record.render(fields))
    for name, value in (changes or {}).items():
        field = record[name]
        whole[field.span] = value.encode("latin-1").ljust(field.length)
    return bytes(whole)


def base_file(variant: Variant, record: str = "020", changes: Mapping[str, str] | None = None) -> bytes:
    """The base set of one 020, 030 and 050 each, with these changes to the one record.

    A graduate has 24 credits, and the half of a course its other half.
    """
    changes = changes or {}
    more = range(2, 25) if "graduation_date" in changes else ()
    courses = [line("030", variant, {"course_code": f"9901{number:02d}"}) for number in more]
    other = OTHER_PART.get(changes.get("course_part_number", ""))
    if other and changes.get("letter_grade_code") not in WHOLE_GRADES:
        same = {name: changes[name] for name in ("course_code", "transcript_course_name") if name in changes}
        courses.append(line("030", variant, {**HALF, **same, "course_part_number": other}))
    return lines(*(line(code, variant, changes if code == record else None) for code in BASE), *courses)


def lines(*rows: bytes, end: bytes = b"\r\n") -> bytes:
    return b"".join(row + end for row in rows)


def findings(
    data: bytes, variant: Variant | None = None, today: date = TODAY, tables: ReferenceTables = NO_TABLES
) -> Findings:
    return check_file(data, "test.txt", today=today, variant=variant, tables=tables)[1]


def codes(
    data: bytes, variant: Variant | None = None, today: date = TODAY, tables: ReferenceTables = NO_TABLES
) -> list[str]:
    """The codes found, in report order."""
    return [problem.code for problem in findings(data, variant, today, tables).problems]
