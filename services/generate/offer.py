"""What reference tables offer to a generated sponsor: sites, courses by year and category, credentials, options.

Histories made from an offer fill the categories of the student's pathway first, then take electives.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from schemas.reference import ReferenceTables, Row
from services.generate.courses import GRADES, POINTS, Course, earned
from services.generate.people import Person

NAMES = ("Wood Carving", "Furniture Making", "Finnish I", "Finnish II", "Kite Design")
"""Transcript course names for the courses that need one (guide p. 124)."""

ORDINALS = ("I", "II", "III", "IV")
YEARLY = 6
SCHOOL_YEARS = 4


@dataclass(frozen=True, slots=True)
class Chosen:
    """A course that a student takes, in which of the four school years."""

    row: Row
    school_year: int

    @property
    def credit(self) -> int:
        """What it earns in hundredths."""
        return int(self.row["credit"])


class Offer:
    """The tables as a generator asks them. Raises ValueError where they lack what every file needs."""

    def __init__(self, tables: ReferenceTables, *, sponsor: str, bssy: int) -> None:
        self.tables, self.sponsor, self.bssy = tables, sponsor, bssy
        sites = active(tables["sites"].rows, bssy)
        self.sites = [one["site_code"] for one in sites if one["sponsor_code"] == sponsor and one["kind"] == "high"]
        self.colleges = [one["site_code"] for one in sites if one["kind"] == "postsecondary"]
        years = {row["bssy"] for row in tables["courses"].rows}
        if not self.sites or not self.colleges:
            raise ValueError(f"the tables have no active high school of sponsor {sponsor}, or no college")
        if lacking := {str(year) for year in range(bssy - SCHOOL_YEARS + 1, bssy + 1)} - years:
            raise ValueError(f"the table courses has no course of {', '.join(sorted(lacking))}")
        self.courses = {row["course_code"]: row for row in tables["courses"].rows if row["bssy"] == str(bssy)}
        self.credentials = [row["ibc_code"] for row in active(tables["credentials"].rows, bssy)]
        self.vendors = defaultdict[str, list[str]](list)
        for row in tables["credential_vendors"].rows:
            self.vendors[row["ibc_code"]].append(row["vendor_code"])

    @property
    def options(self) -> tuple[str, ...]:
        """The career options of the pathway CA."""
        rows = active(self.tables["career_options"].rows, self.bssy)
        return tuple(row["code"] for row in rows if row["kind"] == "jump_start")

    def history(self, one: Person, rng: Random) -> Iterator[Course]:
        """A student's courses up to this year, the first always an ordinary B; a graduate's fill every category."""
        plan = [chosen for chosen in self.plan(one, rng) if chosen.school_year < one.years]
        spread = sorted(plan, key=lambda chosen: chosen.school_year)
        for place, chosen in enumerate(spread):
            year = self.bssy - one.years + 1 + chosen.school_year
            course = taken(chosen, year, one.site, rng)
            elective = place > 0 and chosen.row["name_required"] == "N" and chosen.credit == 100
            yield from [course] if place == 0 else self.varied(course, chosen.row, one, rng, elective=elective)

    def plan(self, one: Person, rng: Random) -> list[Chosen]:
        """Four years of courses: each category of the pathway, then electives up to more than any pathway takes."""
        picked = self.core_courses(one.pathway if one.pathway != "ND" else "TU", one.career_option, rng)
        free = [code for code, row in self.courses.items() if code not in picked and is_elective(row)]
        wanted = SCHOOL_YEARS * YEARLY + rng.randrange(SCHOOL_YEARS + 1) - len(picked)
        electives = rng.sample(free, min(max(wanted, SCHOOL_YEARS + 1), len(free)))
        rows = [self.courses[code] for code in [*picked, *electives]]
        return [Chosen(row, level(row, place)) for place, row in enumerate(rows)]

    def core_courses(self, pathway: str, option: str, rng: Random) -> list[str]:
        """Course codes that fill each category of a pathway, none of them twice."""
        picked: list[str] = []
        for category in self.tables["core_categories"].rows:
            if category["curriculum"] == pathway:
                due = int(category["credit_required"])
                for code in self.serving(pathway, category["category"], option, rng):
                    if due > 0 and code not in picked:
                        picked.append(code)
                        due -= int(self.courses[code]["credit"])
        return picked

    def serving(self, pathway: str, category: str, option: str, rng: Random) -> list[str]:
        """The courses that serve a category, in a random order; those aimed at the student's career option first."""
        rows = [
            row
            for row in self.tables["core"].rows
            if (row["curriculum"], row["category"]) == (pathway, category) and row["career_option_code"] in {"", option}
        ]
        rng.shuffle(rows)
        plain = [row for row in rows if self.courses[row["course_code"]]["credit"] != "200"]
        return [row["course_code"] for row in sorted(plain, key=lambda row: row["career_option_code"] == "")]

    def varied(self, course: Course, row: Row, one: Person, rng: Random, *, elective: bool) -> Iterator[Course]:
        """One course as it may be sent: graded, honors or AP where the table allows it, dual, failed and repeated."""
        letter = rng.choice(GRADES)
        graded = course._replace(letter=letter, points=POINTS[letter])
        match rng.randrange(12):
            case 0 if row["experience_only"] == "N":
                yield graded._replace(kind="HR")
            case 1 if row["ap"] == "Y":
                yield raised(graded._replace(kind="AP"), row)
            case 2 if row["ib"] == "Y":
                yield raised(graded._replace(kind="IB"), row)
            case 3 if elective:
                yield graded._replace(part="1", semester="S1", attempted="050", earned="050")
                yield graded._replace(part="2", semester="S2", attempted="050", earned="050")
            case 4 if elective:
                college = rng.choice(self.colleges)
                yield graded._replace(
                    kind="DE", hours="0300", secondary_site=one.site, sponsor=college[:3], site=college
                )
            case 5 if elective and course.year < self.bssy:
                yield graded._replace(letter="F", earned="000", points=0)
                yield graded._replace(year=course.year + 1)
            case 6 if elective:
                yield graded._replace(sponsor="", site="", site_name="École des Cyprès, out of state")
            case _:
                yield graded

    def completed(self, courses: Sequence[Course], *, due: int) -> list[Course]:
        """The courses, and as many electives of the last year as it takes to have `due` hundredths of credit."""
        done = list(courses)
        known = {course.code for course in done}
        free = (row for code, row in self.courses.items() if code not in known and is_elective(row))
        while earned(done) < due:
            row = next(free)
            done.append(Course(self.bssy, row["course_code"], sponsor=courses[0].sponsor, site=courses[0].site))
        return done

    def earned_credentials(self, one: Person, rng: Random, *, due: bool) -> Iterator[dict[str, str]]:
        """The 050 records of a student: none for most unless one is due."""
        if not due and (one.years < 3 or rng.random() > 0.4):
            return
        for code in sorted(rng.sample(self.credentials, rng.choice((1, 1, 2)))):
            yield {
                "site_code": one.site,
                "ibc_code": code,
                "semester_ibc_earned": rng.choice("123"),
                "year_ibc_earned": str(self.bssy - rng.randrange(2)),
                "test_vendor": rng.choice(self.vendors[code]),
                "pass_fail": "P",
                "ibc_earned_sponsor_code": one.site[:3],
                "ibc_earned_site_code": one.site,
            }


def active(rows: Sequence[Row], bssy: int) -> list[Row]:
    """The rows that last in a year."""
    return [row for row in rows if row["first_bssy"] <= str(bssy) and str(bssy) <= (row["last_bssy"] or "9999")]


def is_elective(row: Row) -> bool:
    """Whether anybody may take a course for one credit, under its own name."""
    return row["credit"] == "100" and row["experience_only"] == "N" and row["name_required"] == "N"


def level(row: Row, place: int) -> int:
    """The school year of a course: that of its ordinal, else one after the other."""
    words = row["description"].replace(":", " ").split()
    return next((ORDINALS.index(word) for word in words if word in ORDINALS), place % SCHOOL_YEARS)


def taken(chosen: Chosen, year: int, site: str, rng: Random) -> Course:
    """An ordinary B in a course."""
    credit = chosen.row["credit"]
    name = rng.choice(NAMES) if chosen.row["name_required"] == "Y" else ""
    semester = "S1" if chosen.credit < 100 else "Y1"
    return Course(
        year,
        chosen.row["course_code"],
        semester=semester,
        attempted=credit,
        earned=credit,
        sponsor=site[:3],
        site=site,
        name=name,
    )


def raised(course: Course, row: Row) -> Course:
    """A course on the scale of five points, where the table has it there (R-074)."""
    return course._replace(maximum=5, points=course.points + 1) if row["five_point"] == "Y" else course
