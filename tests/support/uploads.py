"""Small batch files of invented students, and uploading them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from events.streams import student_stream
from events.student import Present
from events.upload import Done, Mode, UploadClosed
from schemas.layout import Variant, load_layout
from schemas.louisiana_sts.records import RecordSet, stored_fields
from services.commands import Loaded, Target, loaded
from services.generate.file import Made, Spec, generate, joined, overwritten
from services.intake.receive import Received, receive
from services.intake.work import Upload, work_queue
from services.ledger import Ledger

SPONSOR, BSSY = "017", "2025"
PUBLIC: Variant = "public"


@dataclass(frozen=True)
class Student:
    """An invented student's lines, which can be sent, left out and changed."""

    state_id: str
    site: str
    lines: tuple[bytes, ...]

    def codes(self) -> list[str]:
        """Return the record type of each line."""
        return [line[3:6].decode() for line in self.lines]

    def alone(self) -> "Student":
        """Return the same student sent with 050 records alone."""
        return replace(self, lines=tuple(line for line in self.lines if line[3:6] == b"050"))

    def without(self, code: str) -> "Student":
        """Return the same student without records of a type."""
        return replace(self, lines=tuple(line for line in self.lines if line[3:6] != code.encode()))

    def changed(self, code: str, number: int = 0, **changes: str) -> "Student":
        """Return the same student with fields changed in one record of a type (counted from 0)."""
        place = [index for index, each in enumerate(self.codes()) if each == code][number]
        line = overwritten(load_layout(PUBLIC)[code], self.lines[place], changes)
        line = line[:156] if code == "020" else line
        return replace(self, lines=(*self.lines[:place], line, *self.lines[place + 1 :]))

    def reordered(self) -> "Student":
        """Return the same student with the lines of each type in reverse order."""
        by_type = {code: [line for line in self.lines if line[3:6] == code] for code in (b"020", b"030", b"050")}
        return replace(self, lines=tuple(line for lines in by_type.values() for line in reversed(lines)))

    def with_credential(self, number: int = 1) -> "Student":
        """Return the same student with this many credentials."""
        record = load_layout(PUBLIC)["050"]
        keys = {
            "system_indicator": "STS",
            "transaction_code": "050",
            "beginning_school_session_year": self.lines[0][6:10].decode(),
            "sponsor_code": self.lines[0][10:13].decode(),
            "state_identification_number": self.state_id,
            "site_code": self.site,
            "semester_ibc_earned": "1",
            "year_ibc_earned": self.lines[0][6:10].decode(),
            "test_vendor": "V01",
            "pass_fail": "P",
            "ibc_earned_sponsor_code": self.site[:3],
            "ibc_earned_site_code": self.site,
            "partial_last_name": "ZYL",
            "partial_first_name": "V",
            "local_identification_number": "LC0000001",
        }
        lines = [record.render(keys | {"ibc_code": str(901 + each)}) for each in range(number)]
        return replace(self.without("050"), lines=(*self.without("050").lines, *lines))

    def record_set(self) -> RecordSet:
        """Return the set that is stored once these lines were uploaded."""
        layout = load_layout(PUBLIC)
        cut = [
            (code, stored_fields(code, layout[code].cut(line)))
            for code, line in zip(self.codes(), self.lines, strict=True)
        ]
        of = {code: tuple(fields for each, fields in cut if each == code) for code in ("020", "030", "050")}
        return RecordSet("full", of["020"][0], of["030"], of["050"])

    def faulty(self) -> "Student":
        """Return the same student with a fault in the first course that holds the student."""
        return self.changed("030", letter_grade_code="X")


def students(number: int, *, sponsor: str = SPONSOR, sites: int = 2, bssy: str = BSSY, seed: int = 1) -> list[Student]:
    """Invent students without credentials and without any fault."""
    file = generate(Spec(students=number, sites=sites, seed=seed, sponsor=sponsor, bssy=int(bssy)))
    return [student_of(made).without("050") for made in file.students()]


def student_of(made: Made) -> Student:
    """Keep of a generated student what a file needs."""
    return Student(made.person.state_id, made.person.site, made.lines)


def write_file(path: Path, sent: Iterable[Student]) -> Path:
    """Write a batch file."""
    path.write_bytes(b"".join(joined(each.lines) for each in sent))
    return path


async def send(
    ledger: Ledger, folder: Path, sent: Sequence[Student], mode: Mode = "replace", *, name: str = "upload.txt"
) -> UUID:
    """Have a file received; nothing is done with it yet."""
    received = await receive(ledger, write_file(folder / name, sent), mode, variant=PUBLIC)
    assert isinstance(received, Received)
    return received.upload


async def upload(ledger: Ledger, folder: Path, sent: Sequence[Student], mode: Mode = "replace") -> UploadClosed:
    """Upload a file and work it to its end."""
    return closed(await work_queue(ledger, await send(ledger, folder, sent, mode)))


def closed(worked: Upload) -> UploadClosed:
    """Return how an upload was closed."""
    assert isinstance(worked.state, Done)
    assert isinstance(worked.state.last, UploadClosed)
    return worked.state.last


async def target_of(ledger: Ledger, state_id: str, *, sponsor: str = SPONSOR, bssy: str = BSSY) -> Target:
    """Return whose set is meant."""
    key = (await ledger.registry.find([state_id]))[state_id]
    return Target(student_stream(sponsor, key.owner, bssy), key, state_id, sponsor, bssy)


async def held(ledger: Ledger, state_id: str, *, sponsor: str = SPONSOR, bssy: str = BSSY) -> Loaded:
    """Return a student's stream as it stands."""
    target = await target_of(ledger, state_id, sponsor=sponsor, bssy=bssy)
    return loaded(await ledger.events_of(target.stream))


async def present(ledger: Ledger, state_id: str, *, sponsor: str = SPONSOR, bssy: str = BSSY) -> Present:
    """Return the set that a student holds."""
    state = (await held(ledger, state_id, sponsor=sponsor, bssy=bssy)).state
    assert isinstance(state, Present)
    return state


async def present_ids(ledger: Ledger, *, sponsor: str = SPONSOR, bssy: str = BSSY) -> set[str]:
    """Return who holds a set."""
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch(
            "select state_id from transcript_students where sponsor = $1 and bssy = $2", sponsor, bssy
        )
    return {row["state_id"] for row in rows}
