"""Answers of an outside OTS: the same command as our worker's, once, and none of them lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from faststream.kafka import TestKafkaBroker
from faststream.message import StreamMessage

from projections.database import connect
from projections.feed_queries import FeedRow, rows_after
from projections.fsck import fsck
from projections.ots_status import statuses
from projections.views import SCHEMAS
from services.feeds import answers
from services.feeds.app import make_broker, subscribe
from services.feeds.messages import RESULT, RejectedOutside, RenderedOutside
from services.feeds.results import take_answers
from services.feeds.topics import Feeds, prepare
from services.ledger import Ledger, ViewStopped
from services.settings import Settings
from tests.support.feeds import heard_in
from tests.support.graduates import certify_all, erase, in_june, reject_everybody, settings_for, upload

pytestmark = pytest.mark.postgres

SHA256 = "5" * 64


@asynccontextmanager
async def certified(settings: Settings, folder: Path) -> AsyncIterator[tuple[Ledger, list[FeedRow]]]:
    """A ledger with certified graduates nobody has answered, and the feed's rows; sound at the end."""
    async with in_june(settings) as ledger:
        await upload(ledger, folder)
        await certify_all(ledger)
        yield ledger, await rows_of(ledger)
        await ledger.caught_up()
        connection = await connect(ledger.views_dsn, SCHEMAS)
        try:
            assert (await fsck(connection, ledger.log, ledger.keyring)).differences == ()
        finally:
            await connection.close()


@pytest.fixture
async def waiting(tmp_path: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[tuple[Ledger, list[FeedRow]]]:
    """Certified graduates on the embedded log."""
    async with certified(settings_for(tmp_path / "home", views_dsn, registry_dsn), tmp_path) as found:
        yield found


async def rows_of(ledger: Ledger) -> list[FeedRow]:
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        return await rows_after(connection, 0, 10_000)


def said(row: FeedRow, answer: str = "rendered", **more: Any) -> dict[str, Any]:
    """An answer as an outside system writes it."""
    own = {"sha256": SHA256} if answer == "rendered" else {"reasons": ["photo-missing"]}
    named = {name: getattr(row, name) for name in ("bssy", "certified_at", "record", "identity")}
    return {"answer": answer, "by": "Acme OTS", "ref": str(row.ref), **named, **own, **more}


def parsed(row: FeedRow, answer: str = "rendered", **more: Any) -> RenderedOutside | RejectedOutside:
    return RESULT.validate_python(said(row, answer, **more))


async def status_of(ledger: Ledger, row: FeedRow) -> tuple[str, int, tuple[str, ...]]:
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        (found,) = await statuses(connection, ref=row.ref)
    return found.status, found.number, found.reasons


async def test_a_rendered_answer_is_the_next_version(waiting: tuple[Ledger, list[FeedRow]]) -> None:
    ledger, rows = waiting

    assert await answers.take(ledger, parsed(rows[0])) == "taken"

    assert await status_of(ledger, rows[0]) == ("S", 1, ())
    told = (await rows_of(ledger))[-1]
    assert (told.kind, told.ref, told.number, told.by) == ("sent", rows[0].ref, 1, "Acme OTS")


async def test_a_rejected_answer_keeps_its_reasons(waiting: tuple[Ledger, list[FeedRow]]) -> None:
    ledger, rows = waiting

    assert await answers.take(ledger, parsed(rows[0], "rejected")) == "taken"

    assert await status_of(ledger, rows[0]) == ("R", 0, ("photo-missing",))


async def test_a_double_answer_changes_nothing(waiting: tuple[Ledger, list[FeedRow]]) -> None:
    ledger, rows = waiting
    await answers.take(ledger, parsed(rows[0]))
    end = await ledger.log.end()

    assert await answers.take(ledger, parsed(rows[0])) == "late"
    assert await answers.take(ledger, parsed(rows[0], "rejected")) == "late"

    assert await ledger.log.end() == end
    assert await status_of(ledger, rows[0]) == ("S", 1, ())


async def test_of_two_answers_at_once_one_stands(waiting: tuple[Ledger, list[FeedRow]]) -> None:
    ledger, rows = waiting

    await asyncio.gather(answers.take(ledger, parsed(rows[0])), answers.take(ledger, parsed(rows[0], "rejected")))

    assert (await status_of(ledger, rows[0]))[0] in {"S", "R"}
    assert len(await rows_of(ledger)) == len(rows) + 1


async def test_an_answer_that_comes_after_our_workers_is_late(waiting: tuple[Ledger, list[FeedRow]]) -> None:
    ledger, rows = waiting
    await reject_everybody(ledger)

    assert await answers.take(ledger, parsed(rows[0])) == "late"

    assert await status_of(ledger, rows[0]) == ("R", 0, ("too-few-credits",))


async def test_an_answer_about_somebody_erased_meanwhile_is_unknown(waiting: tuple[Ledger, list[FeedRow]]) -> None:
    ledger, rows = waiting
    row = rows[0]
    await erase(ledger, row.ref)
    await ledger.caught_up()

    assert await answers.take(ledger, parsed(row)) == "unknown"


async def test_an_answer_to_what_nobody_certified_is_unknown(waiting: tuple[Ledger, list[FeedRow]]) -> None:
    ledger, rows = waiting

    assert await answers.take(ledger, parsed(rows[0], record="0" * 64)) == "unknown"
    assert await answers.take(ledger, parsed(rows[0], certified_at=1)) == "unknown"


# --- The subscriber ----------------------------------------------------------------------------------------------

PLACE = Feeds(["localhost:1"], "t.")


async def test_what_is_no_answer_is_put_aside_by_its_place_alone(waiting: tuple[Ledger, list[FeedRow]]) -> None:
    """In memory: a body's values may be a person's, so the reason names none of them."""
    _, rows = waiting
    taken: list[object] = []

    async def take(result: RenderedOutside | RejectedOutside) -> str:
        taken.append(result)
        return "taken"

    broker = make_broker(PLACE)
    subscribe(broker, PLACE, take)
    aside: list[tuple[bytes, str]] = []

    async def with_reason(message: StreamMessage[Any]) -> tuple[bytes, str]:
        return message.body, message.headers["reason"]

    @broker.subscriber(PLACE.refused, group_id="test", decoder=with_reason)
    async def refused(kept: tuple[bytes, str]) -> None:
        aside.append(kept)

    malformed = [b"", b"{", b"[]", b"\xff\xfe", json.dumps(said(rows[0], reasons=[], by="Jane\nDoe")).encode()]
    async with TestKafkaBroker(broker):
        for body in malformed:
            await broker.publish(body, PLACE.results, headers={"content-type": "application/json"})
        await broker.publish(said(rows[0]), PLACE.results)

    assert taken == [parsed(rows[0])]
    assert [body for body, _ in aside] == malformed
    assert aside[-1][1] == "rendered.by: string_pattern_mismatch"
    assert not any("Jane" in reason for _, reason in aside)


@asynccontextmanager
async def subscribed(ledger: Ledger, feeds: Feeds) -> AsyncIterator[None]:
    """Take answers from Kafka meanwhile."""
    task = asyncio.create_task(take_answers(ledger, feeds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until_answered(ledger: Ledger, number: int) -> None:
    """Wait until so many are answered."""
    async with asyncio.timeout(60):
        while True:
            async with ledger.pool.acquire() as connection:
                if await connection.fetchval("select count(*) from official_answers") >= number:
                    return
            await asyncio.sleep(0.05)


@pytest.mark.kafka
async def test_answers_on_kafka_are_taken_in_spite_of_doubles_nonsense_and_trouble(
    tmp_path: Path, views_dsn: str, registry_dsn: str, kafka_bootstrap: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try of each answer fails, as if the views had stopped; it is handed over again and none is lost."""
    settings = settings_for(tmp_path / "home", views_dsn, registry_dsn, kafka_bootstrap)
    feeds = Feeds.of(settings)
    failed: set[object] = set()
    take = answers.take

    async def failing_once(ledger: Ledger, result: RenderedOutside | RejectedOutside) -> str:
        if result.ref not in failed:
            failed.add(result.ref)
            raise ViewStopped("stopped")
        return await take(ledger, result)

    monkeypatch.setattr("services.feeds.results.take", failing_once)
    monkeypatch.setattr("services.feeds.app.BACKOFF_SECONDS", 0.01)
    async with certified(settings, tmp_path) as (ledger, rows):
        await prepare(feeds)
        async with make_broker(feeds) as outside:
            await outside.connect()
            for row in rows:
                await outside.publish(said(row), feeds.results)
                await outside.publish(said(row), feeds.results)
                await outside.publish(b"{nonsense", feeds.results)
        async with subscribed(ledger, feeds):
            await until_answered(ledger, 3)
        async with subscribed(ledger, feeds):
            await until_answered(ledger, len(rows))

        assert len(failed) == len(rows)
        assert {(await status_of(ledger, row))[:2] for row in rows} == {("S", 1)}
        assert len([row for row in await rows_of(ledger) if row.kind == "sent"]) == len(rows)
        aside = await heard_in(kafka_bootstrap, feeds.refused)
        assert {each.body for each in aside} == {b"{nonsense"}
        assert {each.headers["reason"] for each in aside} == {"body: json_invalid"}
