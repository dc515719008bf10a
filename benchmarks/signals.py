"""Signals between the processes of one measurement: empty files in a folder."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Signals:
    """A folder in which a file appears when its process has come that far."""

    folder: Path

    def give(self, name: str) -> None:
        """Say that something has happened."""
        (self.folder / name).touch()

    def given(self, name: str) -> bool:
        """Whether it has happened."""
        return (self.folder / name).exists()

    async def wait(self, name: str) -> None:
        """Wait until it has happened. Raises TimeoutError when it never does."""
        async with asyncio.timeout(PATIENCE):
            while not self.given(name):  # noqa: ASYNC110 (the other side is another process)
                await asyncio.sleep(0.005)
