"""The program `ledger` as a process of its own, for what it says when it must not start."""

import asyncio
import os
import sys

from services.cli.errors import ExitCode
from tests.support.faults_processes import ROOT
from tests.support.faults_world import World

UNFIT = ExitCode.UNFIT
UNAVAILABLE = ExitCode.UNAVAILABLE
PROGRAM = "from services.cli.main import main; main()"


async def ledger_says(world: World, *arguments: str) -> tuple[int, str]:
    """Run one command on a ledger; return its exit code and what it said, in one line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", PROGRAM, *arguments),
        cwd=ROOT,
        env=os.environ | world.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, " ".join(said.decode().split())
