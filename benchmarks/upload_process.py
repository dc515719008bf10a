"""`python -m benchmarks.upload_process FILE...`: upload files one after the other, and say what each took.

With `--signals FOLDER` it waits for an editing process first (see benchmarks/append.py). Prints one JSON object: per
file its students, seconds from bytes to rows, and this process's peak and present memory in MB.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path

import psutil

from benchmarks.signals import Signals
from events.upload import Done, UploadClosed
from services.intake.receive import Received, receive
from services.intake.work import work_queue
from services.ledger import Ledger
from services.settings import Settings
from services.wiring import open_ledger

MB = 1 << 20


async def upload(ledger: Ledger, path: Path) -> dict[str, float]:
    """Upload one file. When this returns, every row of it can be read: its verdicts have been given."""
    began = time.perf_counter()
    received = await receive(ledger, path, "replace")
    assert isinstance(received, Received)
    worked = await work_queue(ledger, received.upload)
    seconds = time.perf_counter() - began
    assert isinstance(worked.state, Done)
    assert isinstance(worked.state.last, UploadClosed)
    return {
        "students": worked.state.last.stored,
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "rss_mb": psutil.Process().memory_info().rss / MB,
        "file_mb": path.stat().st_size / MB,
    }


def peak_mb() -> float:
    """This process's highest resident memory so far, where the system tells it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


async def main(files: list[Path], signals: Signals | None) -> None:
    """Upload all, then report."""
    async with open_ledger(Settings()) as ledger:
        idle = psutil.Process().memory_info().rss / MB
        if signals:
            signals.give("uploader")
            await signals.wait("editor")
            signals.give("uploading")
        done = [await upload(ledger, file) for file in files]
        if signals:
            signals.give("uploaded")
            await signals.wait("edited")
    print(json.dumps({"idle_mb": idle, "uploads": done}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--signals", type=lambda folder: Signals(Path(folder)))
    options = parser.parse_args()
    asyncio.run(main(options.files, options.signals))
