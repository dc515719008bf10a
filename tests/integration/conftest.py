"""Every ledger of these tests ends before the oracle: fsck finds no difference."""

from collections.abc import AsyncIterator

import pytest

from tests.support.ledgers import House


@pytest.fixture
async def house(views_dsn: str) -> AsyncIterator[House]:
    """An empty ledger with real views. After the test, every row is compared with a fresh fold of the log."""
    built = await House.build(views_dsn)
    yield built
    if built.is_sound:
        await built.assert_sound()
