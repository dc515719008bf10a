"""The client's side of the story: what was sent, and what was answered. One JSON line each, only ever added to.

A line is in the kernel's hands once `tell` returns, so a process killed right after it has still told it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: `what` is sent, answered, failed, crashed, or a word of the job's own."""

    what: str
    command: UUID | None = None
    body: dict[str, Any] = {}


class Journal:
    """A journal file that any number of processes may write. `news` hears each line's first word."""

    def __init__(self, path: Path, news: Callable[[str], None] = lambda _: None) -> None:
        self.path = path
        self._news = news
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    def tell(self, what: str, command: UUID | None = None, **body: Any) -> None:
        """Add a line."""
        os.write(self._file, msgspec.json.encode(Line(what, command, body)) + b"\n")
        self._news(what)

    def lines(self, what: str = "") -> list[Line]:
        """Return the lines so far, or those of one kind."""
        read = [msgspec.json.decode(line, type=Line) for line in self.path.read_bytes().splitlines()]
        return [line for line in read if what in ("", line.what)]

    def sent(self) -> dict[UUID, dict[str, Any]]:
        """Return what was sent first under each command id."""
        bodies: dict[UUID, dict[str, Any]] = {}
        for line in self.lines("sent"):
            assert line.command is not None
            bodies.setdefault(line.command, line.body)
        return bodies

    def answers(self) -> dict[UUID, list[dict[str, Any]]]:
        """Return all answers to each command id, in the order in which they were given."""
        found: dict[UUID, list[dict[str, Any]]] = {}
        for line in self.lines("answered"):
            assert line.command is not None
            found.setdefault(line.command, []).append(line.body)
        return found

    def unanswered(self) -> dict[UUID, dict[str, Any]]:
        """Return what was sent and never answered."""
        answered = self.answers()
        return {command: body for command, body in self.sent().items() if command not in answered}

    def close(self) -> None:
        os.close(self._file)
