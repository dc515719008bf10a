"""The generated file: its lines student by student, what is wrong in it, and what must never leak from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from random import Random

from schemas.layout import Layout, RecordLayout, Variant, load_layout
from schemas.louisiana_sts.graduation import credits_required
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, RACE_FLAGS, STUDENT, SYSTEM, Fields
from schemas.reference import ReferenceTables
from services.generate.courses import Course, completed, credentials, history
from services.generate.faults import BESIDE, STRUCTURES, TABLE_STRUCTURES, Fault, Structure, field_faults, table_faults
from services.generate.offer import Offer
from services.generate.people import PATHWAYS, Person, person

LINE_END = b"\r\n"
UNREADY_COURSES = 16
PUBLIC_PATHWAYS = ("TU", "TU", "TU", "CA", "CA", "L1")
"""With tables; L1 needs a flag in SER, in which no nonpublic student is (R-152)."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What to make: `faults` is the share of students that get one fault each, `unready` the share of the other
    graduates who lack something for which the graduation date is cleared; `sponsor` has three characters. With
    `reference` everything that a table lists comes from these tables; without, it is invented.
    """

    students: int
    sites: int = 2
    seed: int = 1
    faults: float = 0.0
    unready: float = 0.0
    layout: Variant = "public"
    bssy: int = 2025
    sponsor: str = "017"
    reference: ReferenceTables | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One finding that a check of the file must make: the line (1-based), the code and whose line it is."""

    line: int
    code: str
    state_id: str


@dataclass(frozen=True, slots=True)
class Canaries:
    """Personal data of the file as it stands there: the public layout has ids only."""

    names: tuple[str, ...]
    birth_dates: tuple[str, ...]
    state_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """One student's lines, without line ends, and the findings on them as (index, code)."""

    person: Person
    lines: tuple[bytes, ...]
    answers: tuple[tuple[int, str], ...] = ()


class GeneratedFile:
    """A file that is made each time it is read, so that its size does not matter."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.writer = Writer(spec)

    def students(self) -> Iterator[Made]:
        return map(self.writer.student, range(self.spec.students))

    def write(self, path: Path) -> int:
        """Write the file; returns its number of rows."""
        rows = 0
        with path.open("wb") as file:
            for made in self.students():
                file.write(joined(made.lines))
                rows += len(made.lines)
        return rows

    @cached_property
    def data(self) -> bytes:
        return b"".join(joined(made.lines) for made in self.students())

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """The answer key, by line and code."""
        answers: list[Answer] = []
        before = 0
        for made in self.students():
            answers.extend(Answer(before + index + 1, code, made.person.state_id) for index, code in made.answers)
            before += len(made.lines)
        return tuple(sorted(answers, key=lambda answer: (answer.line, answer.code)))

    @cached_property
    def canaries(self) -> Canaries:
        people = [self.writer.person(number) for number in range(self.spec.students)]
        named = self.spec.layout == "nonpublic"
        return Canaries(
            names=tuple(n for one in people for n in (one.first_name, one.middle_name, one.last_name)) if named else (),
            birth_dates=tuple(f"{one.birth_date:%m%d%Y}" for one in people) if named else (),
            state_ids=tuple(one.state_id for one in people),
        )

    @property
    def corrected(self) -> "GeneratedFile":
        """The same students with every fault repaired, and nothing lacking."""
        return GeneratedFile(replace(self.spec, faults=0.0, unready=0.0))


def generate(spec: Spec) -> GeneratedFile:
    """A synthetic sponsor's file. Raises ValueError for a spec that cannot be made."""
    if spec.students < 0 or not 1 <= spec.sites <= 999 or not 0 <= spec.faults <= 1 or not 0 <= spec.unready <= 1:
        raise ValueError("students are 0 or more, sites 1 to 999, faults and unready shares from 0 to 1")
    if len(spec.sponsor) != 3 or not 2018 <= spec.bssy <= 2099:
        raise ValueError("a sponsor has three characters, and the year is from 2018 to 2099")
    if spec.layout == "nonpublic" and spec.students > 1_000_000:
        raise ValueError("there are a million invented nonpublic ids, not more")
    return GeneratedFile(spec)


def joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + LINE_END for line in lines)


class Writer:
    """Turns a student's number into lines. Faults draw from their own randomness, so they change nothing else."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.layout = load_layout(spec.layout)
        self.field_faults = [fault for fault in faults_of(spec) if spec.layout in fault.sectors]
        self.course_tail = lru_cache(maxsize=50_000)(self.course_tail_of)
        self.offer = offer_of(spec)

    def person(self, number: int) -> Person:
        return self.draw(number)[0]

    def draw(self, number: int) -> tuple[Person, Random]:
        """The student, and the randomness that goes on to draw their courses."""
        spec = self.spec
        rng = Random(f"{spec.seed}/{number}")  # noqa: S311 - reproducible test data, no secret
        if self.offer is None:
            site = f"{spec.sponsor}{number % spec.sites + 1:03d}"
            return person(number, rng, seed=spec.seed, bssy=spec.bssy, site=site, variant=spec.layout), rng
        pathways = PUBLIC_PATHWAYS if spec.layout == "public" else PATHWAYS
        site, options = self.offer.sites[number % spec.sites], self.offer.options
        drawn = partial(person, number, rng, seed=spec.seed, bssy=spec.bssy, variant=spec.layout)
        return drawn(site=site, pathways=pathways, options=options), rng

    def student(self, number: int) -> Made:
        one, rng = self.draw(number)
        records = self.records(one, rng)
        made = Made(one, tuple(line for _, line in records))
        fault_rng = Random(f"{self.spec.seed}/{number}/fault")  # noqa: S311 - reproducible test data, no secret
        if fault_rng.random() < self.spec.faults:
            return self.faulty(made, fault_rng)
        is_unready = one.graduation is not None and fault_rng.random() < self.spec.unready
        return self.unready(made, fault_rng) if is_unready else made

    def records(self, one: Person, rng: Random) -> list[tuple[str, bytes]]:
        """The student's clean lines with their record types: 020, 030 ..., 050 ..."""
        courses, earned = self.invented(one, rng) if self.offer is None else self.offered(one, rng, self.offer)
        fields = student_fields(one, self.spec.layout)
        if self.offer and self.spec.layout == "public" and is_held_by_losfa(one):
            fields["fafsa_application_flag"] = ""
        return [
            (STUDENT, self.line(STUDENT, one, fields)),
            *((COURSE, self.course_line(one, course)) for course in courses),
            *((CREDENTIAL, self.line(CREDENTIAL, one, credential_fields(one, fields))) for fields in earned),
        ]

    def invented(self, one: Person, rng: Random) -> tuple[list[Course], list[Fields]]:
        """A student's courses and credentials from no list."""
        bssy = self.spec.bssy
        courses = list(history(rng, years=one.years, bssy=bssy, site=one.site))
        if one.graduation:
            courses = completed(courses, due=credits_required(one.pathway))
        due = one.graduation is not None and one.pathway == "CA"
        return courses, list(credentials(rng, years=one.years, bssy=bssy, site=one.site, due=due))

    def offered(self, one: Person, rng: Random, offer: Offer) -> tuple[list[Course], list[Fields]]:
        """A student's courses and credentials from reference tables."""
        courses = list(offer.history(one, rng))
        if one.graduation:
            courses = offer.completed(courses, due=credits_required(one.pathway))
        due = one.graduation is not None and one.pathway == "CA"
        return courses, list(offer.earned_credentials(one, rng, due=due))

    def line(self, code: str, one: Person, fields: Fields) -> bytes:
        return trimmed(self.layout, code, self.layout[code].render(self.keys(code, one) | fields))

    def keys(self, code: str, one: Person) -> Fields:
        return {
            "system_indicator": SYSTEM,
            "transaction_code": code,
            "beginning_school_session_year": str(self.spec.bssy),
            "sponsor_code": self.spec.sponsor,
            "state_identification_number": one.state_id,
        }

    def course_line(self, one: Person, course: Course) -> bytes:
        key = f"{SYSTEM}{COURSE}{self.spec.bssy}{self.spec.sponsor}{one.state_id}"
        return key.encode("latin-1") + self.course_tail(course)

    def course_tail_of(self, course: Course) -> bytes:
        record = self.layout[COURSE]
        return record.render(course.fields())[record["state_identification_number"].end :]

    def faulty(self, made: Made, rng: Random) -> Made:
        """The student with one fault that suits them."""
        codes = [line[3:6].decode("latin-1") for line in made.lines]
        fits: list[Fault | Structure] = [
            fault for fault in self.field_faults if fault.record in codes and fault.suits(made.person)
        ]
        fits += [structure for structure in STRUCTURES if structure.record in codes]
        if self.offer and self.spec.layout == "public" and is_known_to_escholar_alone(made.person):
            fits += TABLE_STRUCTURES
        match rng.choice(fits):
            case Fault() as fault:
                return self.with_fault(made, fault, codes.index(fault.record))
            case Structure() as structure:
                return with_structure(made, structure, codes)

    def unready(self, made: Made, rng: Random) -> Made:
        """The graduate with something lacking: courses, the GEE/EOC flag, or the credential of the pathway CA."""
        ways = ["223", "G4"] if self.spec.layout == "public" else ["223"]
        ways += ["G6"] if made.person.pathway == "CA" else []
        code = rng.choice(ways)
        lines = list(made.lines)
        if code == "G4":
            student = overwritten(self.layout[STUDENT], lines[0], {"met_gee_eoc_flag": ""})
            lines[0] = trimmed(self.layout, STUDENT, student)
        elif code == "G6":
            lines = [line for line in lines if line[3:6] != CREDENTIAL.encode()]
        else:
            lines = [*lines[:UNREADY_COURSES], *(line for line in lines if line[3:6] == CREDENTIAL.encode())]
        return replace(made, lines=tuple(lines), answers=((0, code),))

    def with_fault(self, made: Made, fault: Fault, index: int) -> Made:
        record = self.layout[fault.record]
        line = trimmed(self.layout, fault.record, overwritten(record, made.lines[index], fault.changes))
        lines = (*made.lines[:index], line, *made.lines[index + 1 :])
        return replace(made, lines=lines, answers=tuple((index, code) for code in fault.codes))


def offer_of(spec: Spec) -> Offer | None:
    """What the tables of a spec offer. Raises ValueError where that is not enough for it."""
    if spec.reference is None:
        return None
    offer = Offer(spec.reference, sponsor=spec.sponsor, bssy=spec.bssy)
    if spec.sites > len(offer.sites):
        raise ValueError(f"the tables have {len(offer.sites)} active high schools of sponsor {spec.sponsor}, not more")
    return offer


def faults_of(spec: Spec) -> tuple[Fault, ...]:
    """The faults of one record: those that the file tells, and where tables are given those that tables tell."""
    told = field_faults(spec.bssy, spec.sponsor)
    if spec.reference is None:
        return told
    known = told if spec.layout == "nonpublic" else map(told_by_tables, told)
    return (*(fault for fault in known if fault.codes != ("339",)), *table_faults(spec.sponsor))


def told_by_tables(fault: Fault) -> Fault:
    """A fault with the code that a table raises beside its own."""
    return replace(fault, codes=(*fault.codes, *(BESIDE[code] for code in fault.codes if code in BESIDE)))


def is_known_to_escholar_alone(one: Person) -> bool:
    """Whether neither SER nor LOSFA knows the student, so that another state id is a fault of eScholar's alone."""
    return one.pathway != "L1" and not is_held_by_losfa(one)


def is_held_by_losfa(one: Person) -> bool:
    """Whether LOSFA holds the student's FAFSA value, and the file says nothing (R-145)."""
    return one.graduation is not None and one.number % 5 == 0


def student_fields(one: Person, variant: Variant) -> Fields:
    fields = {
        "local_identification_number": one.local_id,
        "site_code": one.site,
        "sex_code": one.sex,
        "grade_placement_code": one.grade,
        "grade_9_entry_year": str(one.entry_year or ""),
        "diploma_pathway": one.pathway,
        "career_option_code": one.career_option,
        "parental_guardian_consent_flag": one.consent,
        **{race: "Y" if race in one.races else "N" for race in RACE_FLAGS},
    }
    if one.graduation:
        fields |= {"graduation_date": f"{one.graduation:%m%d%Y}", "met_gee_eoc_flag": "Y"}
    if variant == "nonpublic":
        return fields | {
            "first_name": one.first_name,
            "middle_name": one.middle_name,
            "last_name": one.last_name,
            "birth_date": f"{one.birth_date:%m%d%Y}",
        }
    return fields | {
        "partial_first_name": one.first_name[:1].upper(),
        "partial_last_name": one.last_name[:3].upper(),
        "day_of_birth": f"{one.birth_date:%d}",
        "fafsa_application_flag": "1" if one.graduation else "",
    }


def credential_fields(one: Person, fields: Fields) -> Fields:
    return fields | {
        "local_identification_number": one.local_id,
        "partial_last_name": one.last_name[:3].upper(),
        "partial_first_name": one.first_name[:1].upper(),
    }


def trimmed(layout: Layout, code: str, line: bytes) -> bytes:
    """A public 020 is written as printed, 156 columns long (PUB-01)."""
    return line[:156] if code == STUDENT and layout.variant == "public" else line


def overwritten(record: RecordLayout, line: bytes, changes: Mapping[str, str]) -> bytes:
    """The line with these fields replaced by exactly these characters, left-justified."""
    whole = bytearray(line.ljust(record.length))
    for name, value in changes.items():
        field = record[name]
        whole[field.span] = value.encode("latin-1").ljust(field.length)
    return bytes(whole)


def with_structure(made: Made, fault: Structure, codes: Sequence[str]) -> Made:
    """The student's lines repeated, dropped, lengthened or cut, with what a check must say of them."""
    lines, index = list(made.lines), codes.index(fault.record)
    match fault.kind:
        case "repeat":
            lines.insert(index + 1, lines[index])
            return replace(made, lines=tuple(lines), answers=((index + 1, fault.code),))
        case "lengthen":
            lines[index] += b"9"
        case "renumber":
            return renumbered(made, fault.code, codes)
        case "cut":
            lines[index] = lines[index][:100]
        case "drop":
            kept = [place for place, code in enumerate(codes) if code != fault.record]
            left = tuple(lines[place] for place in kept)
            orphans = [place for place, old in enumerate(kept) if codes[old] != CREDENTIAL]
            return replace(made, lines=left, answers=tuple((place, fault.code) for place in orphans))
    return replace(made, lines=tuple(lines), answers=((index, fault.code),))


def renumbered(made: Made, code: str, codes: Sequence[str]) -> Made:
    """The student under a state id that nobody has (U02), or that is none (U01), in every line."""
    old = made.person.state_id.encode()
    new = (b"A" if code == "U01" else b"0") + old[1:]
    credentials = tuple((place, "507") for place, record in enumerate(codes) if record == CREDENTIAL)
    person = replace(made.person, state_id=new.decode())
    lines = tuple(line.replace(old, new) for line in made.lines)
    return replace(made, person=person, lines=lines, answers=((0, code), *credentials))
