"""Invented students: who they are, never anyone real, and recognisable wherever they might leak.

Names are invented syllables with the student's number spelled in letters, so each is long and occurs once. Nonpublic
ids start with 666, a number range in which no social security number is issued.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from schemas.layout import Variant
from schemas.louisiana_sts.records import RACE_FLAGS

GRADES = {"08": 5, "T9": 5, "09": 22, "10": 22, "11": 22, "12": 24}
YEARS_BEFORE = {"08": 0, "T9": 0, "09": 0, "10": 1, "11": 2, "12": 3}
GRADUATES = 0.4
SYLLABLES = ("vorim", "quenda", "zylth", "marope", "xandil", "bruvek", "tholme", "kresti", "wyndar", "faloque")
PATHWAYS = ("TU", "TU", "CA")
JUMP_START = ("R01", "R11", "S01", "S05", "T01", "T06")


@dataclass(frozen=True, slots=True)
class Person:
    """One student as the generator knows them; the file says less in the public layout."""

    number: int
    state_id: str
    local_id: str
    site: str
    first_name: str
    middle_name: str
    last_name: str
    birth_date: date
    sex: str
    races: tuple[str, ...]
    grade: str
    entry_year: int | None
    pathway: str
    career_option: str
    graduation: date | None
    consent: str

    @property
    def years(self) -> int:
        """School years behind the student, this one included."""
        return YEARS_BEFORE[self.grade] + 1


def person(
    number: int,
    rng: Random,
    *,
    seed: int,
    bssy: int,
    site: str,
    variant: Variant,
    pathways: Sequence[str] = PATHWAYS,
    options: Sequence[str] = JUMP_START,
) -> Person:
    """Student `number` (from 0) of a file, drawn from `rng`; ids depend on number and seed alone."""
    grade = rng.choices(list(GRADES), weights=list(GRADES.values()))[0]
    graduates = grade == "12" and rng.random() < GRADUATES
    entry_year = bssy - YEARS_BEFORE[grade] if grade.isdigit() and grade != "08" else None
    pathway = pathway_of(grade, rng, pathways)
    age = 14 if grade in ("08", "T9") else 14 + YEARS_BEFORE[grade]
    return Person(
        number=number,
        state_id=state_id(number, seed, variant),
        local_id=f"LC{number + 1:07d}",
        site=site,
        first_name=invented(number, rng, 15),
        middle_name=invented(number, rng, 15),
        last_name=invented(number, rng, 20),
        birth_date=date(bssy - age, 1, 1) + timedelta(days=rng.randrange(365)),
        sex=rng.choice("MF"),
        races=tuple(sorted(rng.sample(RACE_FLAGS, rng.choice((1, 1, 1, 2))))),
        grade=grade,
        entry_year=entry_year,
        pathway=pathway,
        career_option=rng.choice(options) if pathway == "CA" else "",
        graduation=date(bssy + 1, 5, 12) + timedelta(days=rng.randrange(15)) if graduates else None,
        consent=rng.choice("YYYN"),
    )


def pathway_of(grade: str, rng: Random, pathways: Sequence[str]) -> str:
    """ND while it may stand undeclared (233); afterwards a pathway of those who entered grade 9 since 2014."""
    return "ND" if grade in ("08", "T9", "09") else rng.choice(pathways)


def state_id(number: int, seed: int, variant: Variant) -> str:
    """A distinct id for each number: the multipliers share no factor with the moduli."""
    if variant == "public":
        return str(1_000_000_000 + (number * 4_611_686_017 + seed * 7_919) % 9_000_000_000)
    return f"666{(number * 618_033 + seed * 7_919) % 1_000_000:06d}"


def invented(number: int, rng: Random, longest: int) -> str:
    """A name of 13 to `longest` letters that ends in the student's number, spelled in five letters."""
    spelled = "".join(chr(ord("a") + number // 26**place % 26) for place in range(5))
    start = "".join(rng.sample(SYLLABLES, 3))[: rng.randint(8, longest - 5)]
    return (start + spelled).capitalize()
