"""The codes of one 030, each by its sentence in Appendix K (pp. 136-138)."""

from collections.abc import Mapping

from tests.oracle.reading import File, Row
from tests.oracle.values import is_code, is_digits, number

PASSING = (b"A", b"B", b"C", b"D", b"P")
SEMESTERS = (b"B1", b"B2", b"B3", b"B4", b"C1", b"C2", b"S1", b"S2", b"Z1", b"Z2", b"Y1")
TYPES = (b"RG", b"HR", b"GT", b"TA", b"SE", b"DE", b"DA", b"DI", b"AP", b"IB")
DUAL = (b"DE", b"DA", b"DI")
YEAR = "course_beginning_school_session_year"
HOURS = "dual_enrollment_postsecondary_credit_hours_earned"


def code_301(row: Row, file: File) -> bool:
    """p. 136: four digits, not after the record's BSSY."""
    year = number(row[YEAR], 4)
    return year is None or year > file.bssy


def code_302(row: Row, file: File) -> bool:
    """p. 136: six digits, on the state's list of the year in which the course was taken (R-100); a year that is 301
    has none.
    """
    if not is_digits(row["course_code"], 6):
        return True
    unlisted = file.facts.lacks("courses", bssy=row[YEAR], course_code=row["course_code"])
    return unlisted and not code_301(row, file)


def code_303(row: Row, file: File) -> bool:
    """p. 136."""
    return row["course_part_number"] not in (b"", b"1", b"2")


def code_304(row: Row, file: File) -> bool:
    """p. 136."""
    return row["semester_code"] not in SEMESTERS


def code_305(row: Row, file: File) -> bool:
    """p. 136."""
    return row["letter_grade_code"] not in (b"A", b"B", b"C", b"D", b"F", b"P", b"E")


def code_306(row: Row, file: File) -> bool:
    """p. 136: three digits; nothing with E, something with any other grade (pp. 54, 118)."""
    attempted, grade = number(row["credit_attempted_count"], 3), row["letter_grade_code"]
    if attempted is None:
        return True
    return attempted != 0 if grade == b"E" else attempted == 0 and grade != b""


def code_310(row: Row, file: File) -> bool:
    """p. 136: three digits, never more than attempted (p. 118), nothing with E (p. 54)."""
    earned, attempted = number(row["credit_earned_count"], 3), number(row["credit_attempted_count"], 3)
    if earned is None:
        return True
    return (attempted is not None and earned > attempted) or (row["letter_grade_code"] == b"E" and earned != 0)


def code_311(row: Row, file: File) -> bool:
    """p. 136: an F earns nothing."""
    earned = number(row["credit_earned_count"], 3)
    return row["letter_grade_code"] == b"F" and earned is not None and earned != 0


def code_312(row: Row, file: File) -> bool:
    """p. 136: a passing grade earns what was attempted, and something (p. 118)."""
    earned, attempted = number(row["credit_earned_count"], 3), number(row["credit_attempted_count"], 3)
    if row["letter_grade_code"] not in PASSING or earned is None:
        return False
    return earned == 0 or (attempted is not None and earned != attempted)


def code_314(row: Row, file: File) -> bool:
    """p. 136: three digits; other maxima than 400 and 500 are accepted (p. 57)."""
    return not is_digits(row["grade_point_maximum_count"], 3)


def code_316(row: Row, file: File) -> bool:
    """p. 137: Y or N, blank is N (PUB-16); E needs Y (p. 54)."""
    flag = row["core_curriculum_waiver_flag"]
    return flag not in (b"", b"Y", b"N") or (row["letter_grade_code"] == b"E" and flag != b"Y")


def code_318(row: Row, file: File) -> bool:
    """p. 137: Y only with E; a missing grade is 305 alone."""
    return row["core_curriculum_waiver_flag"] == b"Y" and row["letter_grade_code"] not in (b"", b"E")


def code_319(row: Row, file: File) -> bool:
    """p. 137: a sponsor in SPS, for DE a post-secondary one; blank outside Louisiana."""
    sponsor = row["course_sponsor_code"]
    known = file.facts.row("sponsors", sponsor_code=sponsor)
    return sponsor != b"" and (not is_code(sponsor, 3) or wrong_place("sponsors", known, row, file))


def code_320(row: Row, file: File) -> bool:
    """p. 137."""
    return row["course_site_code"] != b"" and row["course_sponsor_code"] == b""


def code_321(row: Row, file: File) -> bool:
    """p. 137: a site in SPS, for DE a post-secondary one; blank outside Louisiana."""
    site = row["course_site_code"]
    known = file.facts.row("sites", site_code=site)
    return site != b"" and (not is_code(site, 6) or wrong_place("sites", known, row, file))


def code_322(row: Row, file: File) -> bool:
    """p. 137: both given, and the site's first three are not the sponsor."""
    site, sponsor = row["course_site_code"], row["course_sponsor_code"]
    return sponsor != b"" and site[:3].strip(b" ") != b"" and site[:3] != sponsor


def code_327(row: Row, file: File) -> bool:
    """p. 137: P and E are whole records."""
    return row["letter_grade_code"] in (b"P", b"E") and row["course_part_number"] != b""


def code_328(row: Row, file: File) -> bool:
    """p. 137: a course on the list of those that need a name (p. 124) has none."""
    course = course_of(row, file)
    return course is not None and course["name_required"] == "Y" and row["transcript_course_name"] == b""


def code_329(row: Row, file: File) -> bool:
    """p. 137: three digits."""
    return not is_digits(row["quality_points_awarded_count"], 3)


def code_330(row: Row, file: File) -> bool:
    """p. 137: no points with P, E or F."""
    points = number(row["quality_points_awarded_count"], 3)
    return row["letter_grade_code"] in (b"P", b"E", b"F") and points is not None and points != 0


def code_331(row: Row, file: File) -> bool:
    """p. 137: points with A, B, C or D."""
    return row["letter_grade_code"] in (b"A", b"B", b"C", b"D") and row["quality_points_awarded_count"] == b"000"


def code_332(row: Row, file: File) -> bool:
    """p. 137: an A has the maximum."""
    points, most = number(row["quality_points_awarded_count"], 3), number(row["grade_point_maximum_count"], 3)
    return row["letter_grade_code"] == b"A" and None not in (points, most) and points != most


def code_333(row: Row, file: File) -> bool:
    """p. 137: B, C and D have less than the maximum: the message, not the solution, is taken."""
    points, most = number(row["quality_points_awarded_count"], 3), number(row["grade_point_maximum_count"], 3)
    return row["letter_grade_code"] in (b"B", b"C", b"D") and points is not None and most is not None and points >= most


def code_334(row: Row, file: File) -> bool:
    """p. 137: listed; blank only before 2003 (p. 125), or 301 alone where the year is none; AP from 2005 only on listed
    courses (p. 125).
    """
    kind, year, course = row["course_type_code"], number(row[YEAR], 4), course_of(row, file)
    if kind == b"AP" and year is not None and year >= 2005 and course is not None:
        return course["ap"] != "Y"
    return kind not in TYPES if kind else year is not None and year >= 2003


def code_335(row: Row, file: File) -> bool:
    """p. 137."""
    return row["distance_learning_course_type_code"] not in (b"", b"01", b"02", b"03", b"04", b"05")


def code_339(row: Row, file: File) -> bool:
    """p. 138: a passed dual enrollment course has hours (p. 66: DE, DA and DI)."""
    is_dual, passed = row["course_type_code"] in DUAL, row["letter_grade_code"] in PASSING
    return is_dual and passed and row[HOURS] in (b"", b"0000")


def code_340(row: Row, file: File) -> bool:
    """p. 138: no other course has; blank and zero are both taken for none."""
    hours = number(row[HOURS], 4)
    return row["course_type_code"] not in DUAL and hours is not None and hours != 0


def code_341(row: Row, file: File) -> bool:
    """p. 138: four digits."""
    return row[HOURS] != b"" and not is_digits(row[HOURS], 4)


def code_342(row: Row, file: File) -> bool:
    """p. 138: a dual enrollment course names the high school, no other does."""
    site = row["dual_enrollment_secondary_site"]
    if row["course_type_code"] not in DUAL:
        return site != b""
    known = file.facts.row("sites", site_code=site)
    return not is_code(site, 6) or (file.facts.given("sites") and (known is None or known["kind"] != "high"))


def code_v06(row: Row, file: File) -> bool:
    """R-106: a course without a site code names the place (pp. 58, 65)."""
    return row["course_site_code"] == b"" and row["course_site_name"] == b""


def code_q4(row: Row, file: File) -> bool:
    """p. 50, condition 4: a part is half a credit; with P and E it is 327 (R-084)."""
    attempted = number(row["credit_attempted_count"], 3)
    is_part = row["course_part_number"] in (b"1", b"2") and row["letter_grade_code"] not in (b"", b"P", b"E")
    return is_part and attempted is not None and attempted != 50


def wrong_place(table: str, known: Mapping[str, str] | None, row: Row, file: File) -> bool:
    """Not in SPS, or no college though the course is dual enrollment."""
    if known is None:
        return file.facts.given(table)
    return row["course_type_code"] == b"DE" and known["kind"] != "postsecondary"


def course_of(row: Row, file: File) -> Mapping[str, str] | None:
    """What the state's list says of the course in its year."""
    return file.facts.row("courses", bssy=row[YEAR], course_code=row["course_code"])


def faults_outside_the_guide(row: Row, file: File) -> list[str]:
    """V07 for each filler in use."""
    return ["V07" for name in row.columns if name.startswith("filler") and row[name]]
