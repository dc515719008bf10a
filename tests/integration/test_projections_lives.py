"""Every view on random histories: the same log gives the same rows, however, whenever and by whom it is folded."""

from random import Random

import pytest

from projections.advance import advance
from projections.catch_up import rebuild
from projections.opening import Keyring
from projections.views import PROJECTIONS, drop_views
from tests.support.ledgers import House
from tests.support.lives import Lives
from tests.support.views import Rows, dump, head_of, records_of

STEPS = 150


async def fold_in_cuts(house: House, random: Random) -> Rows:
    """Fold what is new in the log in random batches, and return every row."""
    async with house.views() as connection:
        start = await head_of(connection)
        records = await records_of(house.log, start)
        while records:
            size = random.choice([1, 2, 7, 40])
            start = await advance(connection, start, records[:size], PROJECTIONS, house.keyring)
            records = records[size:]
        return await dump(connection)


@pytest.mark.parametrize("seed", range(6))
async def test_rows_are_the_same_however_the_log_is_cut_and_whoever_was_erased(house: House, seed: int) -> None:
    """Live, with keys vanishing as erasures come; folded anew, when they are gone from the beginning; rebuilt."""
    lives, random = Lives(house, seed), Random(seed)
    await lives.begin()
    for _ in range(3):  # the views follow in between, as they do
        await lives.go_on(STEPS // 3)
        live = await fold_in_cuts(house, random)
    assert_lively(live)
    for _ in range(2):
        async with house.views() as connection:
            await drop_views(connection)
        assert await fold_in_cuts(house, random) == live
    async with house.views() as connection:
        for projection in PROJECTIONS:
            assert await rebuild(connection, projection, Keyring(house.registry, house.log))
        assert await dump(connection) == live


def assert_lively(rows: Rows) -> None:
    """See that the history was worth it: nothing stopped, somebody was erased, and nearly every table has rows."""
    stopped = [row for row in rows["ledger_index.projections"] if row[-1] is not None]
    assert stopped == []
    assert rows["ledger_index.erasures"]
    assert len([table for table, held in rows.items() if held]) >= 0.7 * len(rows)
