"""Positions and times as an operator writes them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.cli.asof import parse
from services.cli.errors import CommandRefused

LEDGER = "7a1d5c7e"


@pytest.mark.parametrize(("text", "position"), [("0", 0), ("123", 123), ("7a1d5c7e@123", 123)])
def test_a_position_is_read_with_or_without_its_ledger(text: str, position: int) -> None:
    assert parse(text, LEDGER) == position


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T17:00", datetime(2026, 1, 31, 17, tzinfo=UTC)),
        ("2026-01-31T17:00:00Z", datetime(2026, 1, 31, 17, tzinfo=UTC)),
        ("2026-01-31T17:00-06:00", datetime(2026, 1, 31, 17, tzinfo=timezone(timedelta(hours=-6)))),
    ],
)
def test_a_time_is_utc_unless_it_says(text: str, time: datetime) -> None:
    assert parse(text, LEDGER) == time


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deadbeef@1", "belongs to ledger deadbeef, this is 7a1d5c7e"),
        ("-1", "neither a position nor a time"),
        ("", "neither a position nor a time"),
        ("7a1d5c7e@", "neither a position nor a time"),
        ("31.01.2026", "neither a position nor a time"),
    ],
)
def test_what_is_neither_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        parse(text, LEDGER)
    assert said in str(refused.value)
