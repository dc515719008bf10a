"""Judging one stream from the log alone: the same verdicts as the fold of everything."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from events.commit import Commit, Genesis, StoredEvent, encode
from events.fold import NOTHING_KNOWN, Judged, fold, read_records
from events.log.memory import MemoryLog
from services.auditing import judge_stream

LEDGER, OTHER = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
GENESIS = Genesis(ledger=LEDGER, state_system="louisiana-sts", rule=1, time=NOON)
STREAMS = [f"student/017/{UUID(int=n)}/2025" for n in range(3)]


def commit(stream: int, expected: int, command: int, *, ledger: UUID = LEDGER, events: int = 1) -> bytes:
    """A commit's bytes, by small numbers."""
    return encode(
        Commit(
            ledger=ledger,
            stream=STREAMS[stream],
            expected=expected,
            command=uuid5(LEDGER, str(command)),
            events=(StoredEvent(name="student-edited", version=1),) * events,
            actor="test",
            time=NOON,
        )
    )


SMALL = st.integers(0, 2)
RECORDS = st.lists(
    st.one_of(
        st.builds(
            commit,
            stream=SMALL,
            expected=st.integers(0, 4),
            command=st.integers(0, 6),
            ledger=st.sampled_from([LEDGER, LEDGER, LEDGER, OTHER]),
            events=st.integers(1, 2),
        ),
        st.just(b"no commit"),
        st.just(encode(GENESIS)),
    ),
    max_size=25,
)


async def log_of(records: list[bytes]) -> MemoryLog:
    """A log that begins with a genesis."""
    log = MemoryLog()
    for data in [encode(GENESIS), *records]:
        await log.append(data)
    return log


async def everything(log: MemoryLog, as_of: int) -> list[Judged]:
    """The plain fold of all records up to a position."""
    records = [record async for batch in log.read() for record in batch if record.position <= as_of]
    judged, _ = fold(read_records(records), NOTHING_KNOWN)
    return judged


@given(RECORDS, SMALL, st.integers(0, 30))
async def test_a_stream_is_judged_as_the_fold_of_the_whole_log_judges_it(
    records: list[bytes], stream: int, as_of: int
) -> None:
    log = await log_of(records)

    found = await judge_stream(log, STREAMS[stream], as_of)

    whole = await everything(log, as_of)
    assert found == [one for one in whole if one.commit is not None and one.commit.stream == STREAMS[stream]]


async def test_a_command_that_stood_on_another_stream_is_void_here() -> None:
    """Why one pass is not enough: the other stream says nothing of this one but for the command id."""
    log = await log_of([commit(1, 0, command=7), commit(0, 0, command=7), commit(0, 0, command=8)])

    found = await judge_stream(log, STREAMS[0], 99)

    assert [one.verdict for one in found] == ["duplicate-command", "stands"]


async def test_a_command_that_was_void_on_another_stream_stands_here() -> None:
    """The other stream must be judged too: its use of the command id was stale, hence not seen."""
    log = await log_of([commit(1, 3, command=7), commit(0, 0, command=7)])

    assert [one.verdict for one in await judge_stream(log, STREAMS[0], 99)] == ["stands"]


async def test_records_after_the_position_are_not_seen() -> None:
    log = await log_of([commit(0, 0, command=1), commit(0, 1, command=2)])

    assert [one.version for one in await judge_stream(log, STREAMS[0], 1)] == [1]
    assert await judge_stream(log, STREAMS[0], 0) == []
