"""Random histories of a few students in which every kind of event comes up, also where nobody would expect it."""

from collections.abc import Awaitable, Callable
from random import Random
from uuid import UUID

import msgspec

from events.certification import Graduate, SiteCertified, SiteUncertified
from events.collection import CollectionClosed, CollectionOpened, PriorYearAccessGranted
from events.identity import StudentErased, StudentIdentified, Unknown
from events.identity import standing as identity_standing
from events.official_transcript import OfficialTranscriptRejected, OfficialTranscriptRendered
from events.publication import ReferencePublished
from events.registry.contract import Key
from events.stored import Event
from events.streams import (
    certification_stream,
    collection_stream,
    identity_stream,
    official_stream,
    owner_of,
    parse_student_stream,
    reference_stream,
)
from events.student import CourseAdded, Present, StudentEdited, StudentRemoved, record_digest, record_set
from events.upload import UploadChecked, UploadClosed, UploadReceived, UploadRefused
from tests.support.golden_events import EXAMPLES
from tests.support.ledgers import House
from tests.support.student_sets import FRENCH, STUDENT, WELDING, full, submitted

STATE_IDS = [f"100000000{number}" for number in range(5)]
SITES, YEARS = ("017001", "017002"), ("2024", "2025")


class Lives:
    """Writes one random step after another. Who was erased is written to by those who have not heard of it."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.pen, self.random = house, house.pen, Random(seed)
        self.keys: dict[str, Key] = {}

    async def begin(self) -> None:
        """Enrol the students; their keys stay known here after an erasure."""
        self.keys = await self.house.registry.enrol(STATE_IDS)

    async def go_on(self, steps: int) -> None:
        """Write so many steps."""
        plan: list[tuple[Callable[[], Awaitable[object]], int]] = [
            (self.submit, 8), (self.edit, 8), (self.remove, 2), (self.identify, 6), (self.erase, 1), (self.certify, 5),
            (self.withdraw, 2), (self.render, 3), (self.reject, 3), (self.collect, 2), (self.upload, 3),
            (self.publish, 2), (self.intrude, 2),
        ]  # fmt: skip
        for step in self.random.choices([one for one, _ in plan], [weight for _, weight in plan], k=steps):
            await step()

    @property
    def state_id(self) -> str:
        return self.random.choice(STATE_IDS)

    async def submit(self) -> None:
        student = dict(STUDENT) | {"site_code": self.random.choice(SITES)}
        if self.random.random() < 0.5:
            student["graduation_date"] = "05152026"
        if self.random.random() < 0.4:
            student["last_name"] = "Zylthmarope"
        state_id = self.state_id
        records = full(student=student, credentials=(WELDING,) if self.random.random() < 0.5 else ())
        await self.pen.student(state_id, submitted(records), bssy=self.random.choice(YEARS), key=self.keys[state_id])

    async def edit(self) -> None:
        stream = self.held_stream()
        if stream:
            date = self.random.choice(["", "05152026", "05162026"])
            events = [
                StudentEdited({"graduation_date": date}),
                StudentEdited({"grade": str(self.random.randint(1, 9))}),
            ]
            state = self.pen.students[stream]
            assert isinstance(state, Present)
            more = [CourseAdded(state.next_course, FRENCH)] if self.random.random() < 0.3 else []
            await self.on(stream, *self.random.sample(events, self.random.randint(1, 2)), *more)

    async def remove(self) -> None:
        if stream := self.held_stream():
            await self.on(stream, StudentRemoved("request"))

    def held_stream(self) -> str | None:
        held = [stream for stream, state in self.pen.students.items() if isinstance(state, Present)]
        return self.random.choice(held) if held else None

    async def on(self, stream: str, *events: StudentEdited | CourseAdded | StudentRemoved) -> None:
        parts = parse_student_stream(stream)
        state_id = next(each for each, key in self.keys.items() if key.owner == parts.ref)
        await self.pen.student(state_id, *events, sponsor=parts.sponsor, bssy=parts.bssy, key=self.keys[state_id])

    async def identify(self) -> None:
        await self.identity(self.keys[self.state_id], StudentIdentified("Vorim", self.random.choice(["A", "B", "C"])))

    async def erase(self) -> None:
        await self.identity(self.keys[self.state_id], StudentErased("docket 2026-17"))

    async def identity(self, key: Key, event: StudentIdentified | StudentErased) -> None:
        state = event if isinstance(event, StudentIdentified) else Unknown()
        await self.pen.write(identity_stream(key.owner), [(event, identity_standing(state, key.material))], key)

    async def certify(self) -> None:
        """Certify who happens to be there, with digests that may be right or old."""
        graduates = []
        for stream, state in self.pen.students.items():
            if isinstance(state, Present) and self.random.random() < 0.7:
                ref = parse_student_stream(stream).ref
                key = next(key for key in self.keys.values() if key.owner == ref)
                record = record_digest(key.material, record_set(state)) if self.random.random() < 0.7 else "0" * 64
                graduates.append(Graduate(ref, self.pen.versions[stream], record, self.random.choice(["", "a" * 64])))
        unique = {graduate.ref: graduate for graduate in graduates}
        await self.site(SiteCertified(tuple(unique.values())))

    async def withdraw(self) -> None:
        await self.site(SiteUncertified("wrong data"))

    async def site(self, event: SiteCertified | SiteUncertified) -> None:
        await self.owned(certification_stream(self.random.choice(SITES), self.random.choice(YEARS)), event)

    async def render(self) -> None:
        example = EXAMPLES["official-transcript-rendered-v1"].event
        assert isinstance(example, OfficialTranscriptRendered)
        await self.answer(msgspec.structs.replace(example, number=self.random.randint(1, 3)))

    async def reject(self) -> None:
        example = EXAMPLES["official-transcript-rejected-v1"].event
        assert isinstance(example, OfficialTranscriptRejected)
        await self.answer(example)

    async def answer(self, event: Event) -> None:
        key = self.keys[self.state_id]
        await self.pen.write(official_stream(key.owner), [(event, None)], key)

    async def collect(self) -> None:
        bssy = self.random.choice(YEARS)
        event = self.random.choice(
            [CollectionOpened(bssy), CollectionClosed(bssy), PriorYearAccessGranted("017", "2026-10-31", "why")]
        )
        await self.owned(collection_stream(bssy), event)

    async def publish(self) -> None:
        table, year = self.random.choice(["sites", "courses"]), self.random.choice([2024, 2025])
        event = ReferencePublished(table, year, "d" * 64, 9, True, "b" * 64, "d" * 64)
        await self.owned(reference_stream(table), event)

    async def owned(self, stream: str, event: Event) -> None:
        """Write on a stream that belongs to no person."""
        await self.pen.write(stream, [(event, None)], await self.house.registry.issue(owner_of(stream)))

    async def upload(self) -> None:
        upload = UUID(int=self.random.getrandbits(100))
        received = UploadReceived("b" * 64, 600, "replace", "2025", "017", "public", "file.txt", "f" * 64)
        checked = UploadChecked("2026-06-15", 9, {"305": 1}, ("U01",), "e" * 64, "c" * 64, 6, 0, 1, 0)
        await self.pen.upload(upload, received)
        if self.random.random() < 0.5:
            await self.pen.upload(upload, checked)
            await self.pen.upload(upload, UploadClosed(6, 0, 1, 0, 0))
        else:
            await self.pen.upload(upload, UploadRefused({"F03": 1}, "e" * 64))

    async def intrude(self) -> None:
        """Noise, and a void attempt on a stream that somebody else has brought forward."""
        await self.house.log.append(b"noise")
        key = self.keys[self.state_id]
        event = StudentIdentified("Late", "Comer")
        await self.pen.write(identity_stream(key.owner), [(event, None)], key, expected=99)
