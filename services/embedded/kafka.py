"""Fetch Apache Kafka, or run it on loopback: `python -m services.embedded.kafka fetch | run [--nodes 3]`."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from services.embedded import kafka_jars
from services.embedded.kafka_jars import KafkaMissing
from services.embedded.local_kafka import LocalKafka


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or 1 where Kafka is missing and that is not to be passed over."""
    options = _parser().parse_args(arguments)
    if options.command == "run":
        return asyncio.run(_run(options.nodes, options.folder))
    return _fetch()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.embedded.kafka", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="copy the jars into the cache, by Maven; does nothing if they are there")
    run = commands.add_parser("run", help="run Kafka in the foreground and print its addresses")
    run.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    run.add_argument("--folder", type=Path, help="keep its data here (without this they end with it)")
    return parser


def _fetch() -> int:
    """Passed over with one loud line where Java or Maven is missing, but never in CI."""
    try:
        _say(f"Kafka's jars are in {kafka_jars.fetch()}")
    except KafkaMissing as missing:
        in_ci = os.environ.get("CI") == "true"
        _say(f"{'ERROR' if in_ci else 'WARNING: THE KAFKA TESTS WILL BE SKIPPED'}: {missing}")
        return int(in_ci)
    return 0


async def _run(nodes: int, folder: Path | None) -> int:
    asked_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    try:
        async with LocalKafka(nodes, folder) as kafka:
            _say(",".join(kafka.bootstrap))
            await asked_to_end.wait()
    except KafkaMissing as missing:
        _say(f"ERROR: {missing}")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
