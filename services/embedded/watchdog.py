"""A small process that ends others when we die, in whatever way, so that a killed test run leaves no servers.

Its input is a pipe that only we hold: the pipe ends when we do, and then it kills what it was told to watch.
"""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, shutil, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
watched = set()
for line in sys.stdin:
    word, pid = line.split()
    (watched.add if word == "watch" else watched.discard)(int(pid))
for pid in watched:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
for folder in sys.argv[1:]:
    shutil.rmtree(folder, ignore_errors=True)
"""


class Watchdog:
    """Kills the watched processes, and removes the folders it was given, once we are gone or `close` it."""

    def __init__(self, *folders: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (this interpreter, the script above)
            [sys.executable, "-I", "-S", "-c", SCRIPT, *map(str, folders)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def watch(self, pid: int) -> None:
        self._tell(f"watch {pid}\n")

    def forget(self, pid: int) -> None:
        self._tell(f"forget {pid}\n")

    def close(self) -> None:
        """Kill what is still watched, remove the folders, and wait until that is done. Safe to call twice."""
        self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()
