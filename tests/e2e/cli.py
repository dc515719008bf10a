"""The console script `ledger` as a process, and what a test wants to know of it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import psutil

from services.cli.reference import ANSWERS
from services.generate import Spec
from services.generate import generate as make

LEDGER = Path(sys.executable).with_name("ledger")


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams with their whitespace evened out, so that a wrapped line does not matter."""
        return " ".join((self.out + self.err).split())


@dataclass(frozen=True)
class Cli:
    """Runs commands on one LEDGER_HOME. `settings` are further environment variables."""

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, expect: int = 0, **settings: str) -> Ran:
        """Run a command to its end; its exit code must be `expect`."""
        command = [str(LEDGER), *map(str, arguments)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=self.environment(settings),
            cwd=self.home.parent,
            timeout=100,
            check=False,
        )
        assert done.returncode == expect, f"{arguments[0]} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return Ran(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str | Path, expect: int = 0, **settings: str) -> Any:
        """Run a command with --json; its answer must have exactly the documented keys and types."""
        out = self(*arguments, "--json", expect=expect, **settings).out
        answer = json.loads(out)
        if shape := ANSWERS.get(str(arguments[0])):
            assert list(answer) == list(shape.__struct_fields__)
            msgspec.json.decode(out, type=shape)
        return answer

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start a command."""
        return subprocess.Popen(
            [str(LEDGER), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment({}),
        )

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """The environment without the caller's own LEDGER_* settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
        return {**kept, "LEDGER_HOME": str(self.home), "COLUMNS": "150", **self.settings, **more}


def generate(path: Path, *, students: int = 60, faults: float = 0.0, seed: int = 1, sponsor: str = "017") -> Path:
    """Write an invented sponsor's file."""
    make(Spec(students, seed=seed, faults=faults, sponsor=sponsor)).write(path)
    return path


def server_of(home: Path) -> int | None:
    """The process id of the embedded PostgreSQL of a home, None where none runs."""
    file = home / "postgres" / "postmaster.pid"
    if not file.exists():
        return None
    pid = int(file.read_text().splitlines()[0])
    return pid if psutil.pid_exists(pid) else None
