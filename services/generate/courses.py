"""Invented course histories and credentials, consistent with every check of one record."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from schemas.louisiana_sts.graduation import WITH_EXPERIENCES, credits_earned

SUBJECTS = (
    "Letters", "Fables", "Numbers", "Curves", "Tides", "Minerals", "Republics", "Atlases", "Orchestra", "Ceramics",
    "Looms", "Engines", "Gardens", "Signals", "Ledgers", "Harbors", "Orchards", "Lenses", "Chorus", "Sprints",
)  # fmt: skip
LEVELS = ("I", "II", "III", "IV")
CATALOG = tuple(
    (f"99{level + 1}{subject + 1:02d}0", f"{name} {LEVELS[level]}")
    for level in range(len(LEVELS))
    for subject, name in enumerate(SUBJECTS)
)
POINTS = {"A": 4, "B": 3, "C": 2, "D": 1}
GRADES = "AAABBBCCD"
CREDENTIALS = ("901", "902", "903", "904", "905")
VENDORS = ("V01", "V02")


class Course(NamedTuple):
    """One 030 but for the student it belongs to. Hashable, so that equal courses are rendered once."""

    year: int
    code: str
    semester: str = "Y1"
    letter: str = "B"
    part: str = ""
    attempted: str = "100"
    earned: str = "100"
    maximum: int = 4
    points: int = 3
    waiver: str = "N"
    sponsor: str = ""
    site: str = ""
    site_name: str = ""
    name: str = ""
    kind: str = "RG"
    distance: str = ""
    hours: str = ""
    secondary_site: str = ""

    def fields(self) -> dict[str, str]:
        return {
            "course_beginning_school_session_year": str(self.year),
            "course_code": self.code,
            "course_part_number": self.part,
            "semester_code": self.semester,
            "letter_grade_code": self.letter,
            "credit_attempted_count": self.attempted,
            "credit_earned_count": self.earned,
            "grade_point_maximum_count": f"{self.maximum}00",
            "core_curriculum_waiver_flag": self.waiver,
            "course_sponsor_code": self.sponsor,
            "course_site_code": self.site,
            "course_site_name": self.site_name,
            "transcript_course_name": self.name,
            "quality_points_awarded_count": f"{self.points}00",
            "course_type_code": self.kind,
            "distance_learning_course_type_code": self.distance,
            "dual_enrollment_postsecondary_credit_hours_earned": self.hours,
            "dual_enrollment_secondary_site": self.secondary_site,
        }


def history(rng: Random, *, years: int, bssy: int, site: str) -> Iterator[Course]:
    """The courses of a student in the `years` up to `bssy`: six or seven a year, the first always an ordinary B.

    Four years come to 24 to 30 records, split and repeated courses included.
    """
    plan = rng.sample(CATALOG, 6 * years + rng.randrange(years + 1))
    for place, (code, name) in enumerate(plan):
        year = bssy - years + 1 + place * years // len(plan)
        course = Course(year, code, sponsor=site[:3], site=site)
        yield from [course] if place == 0 else variation(rng, course, name, is_first=place == 1, last_year=bssy)


def variation(rng: Random, course: Course, name: str, *, is_first: bool, last_year: int) -> Iterator[Course]:
    """One course as it may be sent: mostly whole, one in two students split, failed and repeated, or exempt."""
    letter = rng.choice(GRADES)
    graded = course._replace(letter=letter, points=POINTS[letter])
    if is_first:
        yield from rare(rng, graded, name, last_year)
        return
    match rng.randrange(12):
        case 0:
            yield graded._replace(kind="HR", name=name)
        case 1:
            yield graded._replace(kind="AP", maximum=5, points=POINTS[letter] + 1)
        case 2:
            yield graded._replace(semester="B1")
        case 3:
            yield graded._replace(attempted="050", earned="050", semester="S2")
        case _:
            yield graded


def rare(rng: Random, course: Course, name: str, last_year: int) -> Iterator[Course]:
    """What a student has at most once: halves, a failure and its repeat, a waiver, a pass, outside credit."""
    match rng.randrange(8):
        case 0:
            yield course._replace(part="1", semester="S1", attempted="050", earned="050")
            yield course._replace(part="2", semester="S2", attempted="050", earned="050")
        case 1:
            yield course._replace(letter="F", earned="000", points=0)
            if course.year < last_year:
                yield course._replace(year=course.year + 1)
        case 2:
            yield course._replace(letter="E", attempted="000", earned="000", points=0, waiver="Y")
        case 3:
            yield course._replace(letter="P", points=0)
        case 4:
            yield course._replace(
                kind="DE", hours="0300", secondary_site=course.site, sponsor="4D1", site="4D1001", name=name
            )
        case 5:
            yield course._replace(sponsor="", site="", site_name="École des Cyprès, out of state")
        case 6:
            yield course._replace(distance="01")
        case _:
            yield course


def completed(courses: list[Course], *, due: int) -> list[Course]:
    """The courses with `due` hundredths of credit: halves become whole, then courses of the last year are added."""
    done = list(courses)
    for place, course in enumerate(done):
        if earned(done) < due and course.earned == "050" and not course.part:
            done[place] = course._replace(attempted="100", earned="100", semester="Y1")
    taken = {course.code for course in done}
    free = (code for code, _ in CATALOG if code not in taken)
    while earned(done) < due:
        done.append(Course(courses[-1].year, next(free), sponsor=courses[0].sponsor, site=courses[0].site))
    return done


def earned(courses: list[Course]) -> int:
    """The credit earned in hundredths, each repeated course counted once, experiences too."""
    return credits_earned((course.fields() for course in courses), WITH_EXPERIENCES)


def credentials(rng: Random, *, years: int, bssy: int, site: str, due: bool = False) -> Iterator[dict[str, str]]:
    """The 050 records of a student: none for most unless one is due, one or two for some in the last two years."""
    has_some = years >= 3 and rng.random() <= 0.4
    if not has_some and not due:
        return
    for code in sorted(rng.sample(CREDENTIALS, rng.choice((1, 1, 2)))):
        yield {
            "site_code": site,
            "ibc_code": code,
            "semester_ibc_earned": rng.choice("123"),
            "year_ibc_earned": str(bssy - rng.randrange(2)),
            "test_vendor": rng.choice(VENDORS),
            "pass_fail": "P",
            "ibc_earned_sponsor_code": site[:3],
            "ibc_earned_site_code": site,
        }
