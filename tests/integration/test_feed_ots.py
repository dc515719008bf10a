"""The rows of the first feed: what is told, in which order, under which numbers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from projections.catch_up import rebuild
from projections.database import connect
from projections.feed_ots import FeedOts, event_id
from projections.feed_queries import FeedRow, rows_after
from projections.fsck import fsck
from projections.views import SCHEMAS
from services.feeds.content import message_of
from services.feeds.messages import TranscriptCertified, TranscriptErased, TranscriptRejected
from services.ledger import Ledger
from services.ots.naming import Namings
from tests.support.graduates import (
    certify_all,
    erase,
    in_june,
    reject_everybody,
    settings_for,
    social_security_numbers,
    upload,
)

pytestmark = pytest.mark.postgres


@pytest.fixture
async def ledger(tmp_path: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[Ledger]:
    """An empty ledger; at the end every view is what a fresh fold gives."""
    async with in_june(settings_for(tmp_path / "home", views_dsn, registry_dsn)) as opened:
        yield opened
        await opened.caught_up()
        connection = await connect(views_dsn, SCHEMAS)
        try:
            assert (await fsck(connection, opened.log, opened.keyring)).differences == ()
            assert await connection.fetchval("select count(*) from projections where error is not null") == 0
        finally:
            await connection.close()


async def rows_of(ledger: Ledger) -> list[FeedRow]:
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        return await rows_after(connection, 0, 10_000)


async def test_each_certified_graduate_is_one_row_in_the_lists_order(ledger: Ledger, tmp_path: Path) -> None:
    await upload(ledger, tmp_path)
    refs = await certify_all(ledger)

    rows = await rows_of(ledger)

    assert len(rows) > 3
    assert [row.ref for row in rows] == refs
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert [row.event_id for row in rows] == [event_id(ledger.genesis.ledger, row.sequence) for row in rows]
    assert {row.kind for row in rows} == {"certified"}
    assert all(row.certified_at == row.position for row in rows)


async def test_each_answer_is_a_row_that_names_what_it_answers(ledger: Ledger, tmp_path: Path) -> None:
    await upload(ledger, tmp_path)
    await certify_all(ledger)
    answered = await reject_everybody(ledger)

    rows = await rows_of(ledger)
    asked = {(row.ref, row.certified_at, row.record, row.identity) for row in rows if row.kind == "certified"}
    answers = [row for row in rows if row.kind == "rejected"]

    assert len(answers) == answered == len(asked)
    assert {(row.ref, row.certified_at, row.record, row.identity) for row in answers} == asked
    message = await message_of(ledger, answers[0], Namings(ledger))
    assert isinstance(message, TranscriptRejected)
    assert (message.ref, message.reasons, message.by) == (answers[0].ref, ("too-few-credits",), "ledger")


async def test_a_message_carries_all_that_was_certified_and_names_no_social_security_number(
    ledger: Ledger, tmp_path: Path
) -> None:
    await upload(ledger, tmp_path)
    await certify_all(ledger)
    rows = await rows_of(ledger)

    numbers = social_security_numbers()
    messages = [await message_of(ledger, row, Namings(ledger)) for row in rows]

    assert len(numbers) > 50
    for row, message in zip(rows, messages, strict=True):
        assert isinstance(message, TranscriptCertified)
        assert (message.record, message.identity) == (row.record, row.identity)
        assert message.transcript.years
        assert message.transcript.student.name
        assert not any(number in message.model_dump_json() for number in numbers)
    assert all(isinstance(each, TranscriptCertified) and each.version == 0 for each in messages)


async def test_a_nonpublic_graduate_is_told_of_once_record_and_identity_are_known(
    ledger: Ledger, tmp_path: Path
) -> None:
    await upload(ledger, tmp_path, layout="nonpublic")
    rows = await rows_of(ledger)

    assert len(rows) > 3
    assert len({row.ref for row in rows}) == len(rows)
    assert {(row.kind, row.sector) for row in rows} == {("certified", "nonpublic")}
    async with ledger.pool.acquire() as connection:
        graduates = await connection.fetch("select ref, record from graduates where sector = 'nonpublic'")
    assert {(row.ref, row.record) for row in rows} == {(each["ref"], each["record"]) for each in graduates}
    message = await message_of(ledger, rows[0], Namings(ledger))
    assert isinstance(message, TranscriptCertified)
    assert message.transcript.student.name_known


async def test_an_erasure_renumbers_nothing_and_leaves_tombstones(
    ledger: Ledger, tmp_path: Path, views_dsn: str
) -> None:
    await upload(ledger, tmp_path)
    await certify_all(ledger)
    await reject_everybody(ledger)
    before = await rows_of(ledger)
    gone = before[1].ref

    await erase(ledger, gone)
    after = await rows_of(ledger)

    assert [(row.sequence, row.event_id) for row in after[:-1]] == [(row.sequence, row.event_id) for row in before]
    assert [row for row in after if row.ref != gone] == [row for row in before if row.ref != gone]
    tombstones = [row for row in after if row.ref == gone]
    assert [row.kind for row in tombstones] == ["erased"] * 3
    assert {(row.site, row.record, row.identity, row.certified_at) for row in tombstones} == {("", "", "", -1)}
    assert await message_of(ledger, after[-1], Namings(ledger)) == TranscriptErased(ref=gone)
    connection = await connect(views_dsn, SCHEMAS)
    try:
        assert await rebuild(connection, FeedOts(), ledger.keyring)
    finally:
        await connection.close()
    assert await rows_of(ledger) == after


async def test_what_was_read_before_an_erasure_tells_of_the_erasure_after_it(ledger: Ledger, tmp_path: Path) -> None:
    """A publisher may have read a row just before; what it then sends holds nothing of the student."""
    await upload(ledger, tmp_path)
    await certify_all(ledger)
    row = (await rows_of(ledger))[0]

    await erase(ledger, row.ref)
    await ledger.caught_up()

    assert await message_of(ledger, row, Namings(ledger)) == TranscriptErased(ref=row.ref)
