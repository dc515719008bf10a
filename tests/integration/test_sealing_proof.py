"""Personal data never lies readable in what the ledger keeps: a search for it, which finds it in an unsealed log."""

import base64
import binascii
import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import pytest
import zstandard
from aiokafka import AIOKafkaConsumer, TopicPartition

from events.student_commands import EditStudent
from schemas.layout import Variant
from services.commands import Stored, execute
from services.generate import Spec, generate
from services.generate.file import Canaries
from services.intake.receive import Received, receive
from services.intake.work import work_queue
from services.settings import Settings
from services.targets import find_target
from services.wiring import open_ledger

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]


def settings(tmp_path: Path, views: str, registry: str, **more: object) -> Settings:
    """A ledger of its own in a folder, on the given databases."""
    return Settings(home=tmp_path, views_dsn=views, registry_dsn=registry, **more)  # type: ignore[arg-type]


async def live(settings: Settings, folder: Path, variant: Variant) -> Canaries:
    """Upload, refuse, edit: whatever puts personal data into the ledger. Returns what must not be found."""
    made = generate(Spec(12, faults=0.2, layout=variant))
    canaries = made.canaries
    telling = canaries.names[0] if canaries.names else canaries.state_ids[0]
    sent, refused = folder / f"{telling}.txt", folder / f"{telling}-bad.txt"
    made.corrected.write(sent)
    refused.write_bytes(b"no batch file, but about " + telling.encode("latin-1"))
    async with open_ledger(settings) as ledger:
        for path in (sent, refused):
            received = await receive(ledger, path, "replace")
            assert isinstance(received, Received)
            await work_queue(ledger, received.upload)
        target = await find_target(ledger, canaries.state_ids[0])
        edit = EditStudent({"local_gpa": "3.9"})
        done = await execute(ledger, target, edit, command_id=uuid4(), reason=f"asked for by {telling}")
        assert isinstance(done, Stored)
    return canaries


def spellings(canaries: Canaries) -> Iterator[bytes]:
    """Every canary as it might stand somewhere: plain, a date in another order, hex, base64 at each offset."""
    for word in (*canaries.names, *canaries.birth_dates, *canaries.state_ids):
        dates = (word[4:] + word[:4], f"{word[4:]}-{word[:2]}-{word[2:4]}") if word in canaries.birth_dates else ()
        for plain in (each.encode("latin-1") for each in (word, *dates)):
            yield plain
            yield binascii.hexlify(plain)
            for shift in range(3):
                yield base64.b64encode(b"x" * shift + plain)[4 if shift else 0 : -4]


def opened(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield bytes and everything that can be decoded out of them without a key."""
    yield data
    if depth > 4:
        return
    with suppress(ValueError, RecursionError):
        yield from (piece for text in texts(json.loads(data)) for piece in opened(text.encode(), depth + 1))
    with suppress(ValueError):
        yield from opened(base64.b64decode(data, validate=True), depth + 1)
    with suppress(zstandard.ZstdError):
        yield from opened(zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 22), depth + 1)


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.items() for each in item for text in texts(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in texts(each))


def found(canaries: Canaries, kept: Iterator[bytes]) -> set[bytes]:
    """Return the spellings that can be read somewhere."""
    everything = b"\0".join(piece for data in kept for piece in opened(data))
    return {word for word in spellings(canaries) if len(word) > 6 and word in everything}


def files(home: Path) -> Iterator[bytes]:
    """Everything under a ledger's home: log, write-ahead log, blobs."""
    return (path.read_bytes() for path in home.rglob("*") if path.is_file())


async def records(settings: Settings) -> list[bytes]:
    """Every key, header and value of the log, as a consumer without any of our code reads them."""
    if settings.log == "sqlite":
        with closing(sqlite3.connect(settings.home / "ledger.sqlite")) as connection:
            return [data for (data,) in connection.execute("select data from records")]
    partition = TopicPartition(settings.topic, 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        kept: list[bytes] = []
        while await consumer.position(partition) < end:
            for batch in (await consumer.getmany(timeout_ms=1000)).values():
                for record in batch:
                    kept += [
                        record.key or b"",
                        record.value or b"",
                        *(part for h in record.headers for part in spelled(h)),
                    ]
        return kept
    finally:
        await consumer.stop()


def spelled(header: tuple[str, bytes]) -> tuple[bytes, bytes]:
    """A header's name and value as bytes."""
    return header[0].encode(), header[1]


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def stores(request: pytest.FixtureRequest, tmp_path: Path, views_dsn: str, registry_dsn: str) -> Settings:
    """Settings of an empty ledger on each log."""
    home = tmp_path / "home"
    if request.param == "sqlite":
        return settings(home, views_dsn, registry_dsn)
    kafka = request.getfixturevalue("kafka_bootstrap")
    topic = f"sealing-{uuid4().hex[:8]}"
    return settings(home, views_dsn, registry_dsn, log="kafka", kafka=kafka, topic=topic, replication=1, min_insync=1)


@pytest.mark.parametrize("variant", ["public", "nonpublic"])
async def test_nothing_personal_can_be_read_in_log_files_blobs_or_log_lines(
    stores: Settings, tmp_path: Path, variant: Variant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = await live(stores, tmp_path, variant)

    kept = await records(stores)
    assert len(kept) > 12
    assert found(canaries, iter(kept)) == set()
    assert found(canaries, files(stores.home)) == set()
    assert found(canaries, iter([caplog.text.encode()])) == set()


async def test_the_search_finds_everything_in_an_unsealed_log(
    stores: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control: without the seal the same search finds names, birth dates and ids."""
    compress = zstandard.ZstdCompressor().compress
    expand = zstandard.ZstdDecompressor().decompress
    monkeypatch.setattr("events.stored.seal", lambda _key, data, **_: compress(data))
    monkeypatch.setattr("services.ledger.seal", lambda _key, data, **_: compress(data))
    monkeypatch.setattr("events.stored.unseal", lambda _key, data, **_: expand(data))
    canaries = await live(stores, tmp_path, "nonpublic")

    readable = found(canaries, iter(await records(stores)))
    assert {word.encode("latin-1") for word in (*canaries.names, *canaries.state_ids)} <= readable | {
        word.encode("latin-1") for word in canaries.names if len(word) <= 6
    }
    assert readable & {word.encode("latin-1") for word in canaries.birth_dates}
