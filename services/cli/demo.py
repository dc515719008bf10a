"""`ledger demo`: the whole story on a ledger of its own, told with the real commands."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.cli.errors import CommandRefused

MARK = "this-is-a-demo"
KEPT = {"LEDGER_DEBUG"}


def demo(
    kafka: Annotated[
        bool, typer.Option("--kafka", help="Keep the log in Apache Kafka: LEDGER_KAFKA, or a broker of our own.")
    ] = False,
    students: Annotated[int, typer.Option(min=50, help="How many students.")] = 300,
) -> None:
    """Tell the whole story with invented students.

    The demo's ledger lies in LEDGER_HOME/demo and is made anew each time. No other ledger is touched,
    whatever the environment names.

    Exit status: 0 every step gave what the story says; 1 one did not.
    """
    from services.cli.demo_story import listen, tell_story
    from services.settings import Settings

    listen()
    settings = Settings()
    home = settings.home / "demo"
    with ExitStack() as stack:
        stack.enter_context(alone(settings.home))
        start_anew(home)
        log = stack.enter_context(kafka_for(settings.kafka)) if kafka else {}
        stack.enter_context(environment({"LEDGER_HOME": str(home), **log}))
        stack.enter_context(server(home))
        stack.enter_context(chdir(home))
        tell_story(students)
    typer.echo(f"\nThis ledger stays for you to look around: LEDGER_HOME={home} ledger status" if not kafka else "")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep two demos from one folder. Raises CommandRefused."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "demo.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandRefused(f"a demo is running in {folder}. Wait for its end, or set LEDGER_HOME.") from None
        yield


def start_anew(home: Path) -> None:
    """Remove an earlier demo and make the folder again. Raises CommandRefused for a folder that is no demo's."""
    import shutil

    if home.exists():
        if not (home / MARK).exists():
            raise CommandRefused(f"{home} is no demo's folder, so it stays as it is. Set LEDGER_HOME to another one.")
        end_server(home)
        shutil.rmtree(home)
    home.mkdir(mode=0o700)
    (home / MARK).touch()


def end_server(home: Path) -> None:
    """End a server that a killed demo left behind. Raises CommandRefused while somebody uses it."""
    import asyncio

    from services.embedded import postgres, postgres_programs

    data = home / "postgres"
    if not (data / "PG_VERSION").exists() or not postgres_programs.is_running(data):
        return
    asyncio.run(asyncio.run(postgres.start(home)).stop())
    if postgres_programs.is_running(data):
        raise CommandRefused(f"somebody is using the demo's ledger in {home}. End that first.")


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Let these be the only LEDGER_* settings, so that the demo cannot reach another ledger's stores."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("LEDGER_") and name not in KEPT:
            del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def server(home: Path) -> Iterator[None]:
    """Keep the embedded PostgreSQL running between the commands."""
    import asyncio

    from services.embedded import postgres

    share = asyncio.run(postgres.start(home))
    try:
        yield
    finally:
        asyncio.run(share.stop())


@contextmanager
def kafka_for(named: list[str]) -> Iterator[dict[str, str]]:
    """Yield the settings of a log in Kafka: the brokers that are named, or one of our own until the demo ends."""
    import asyncio
    from uuid import uuid4

    from services.embedded.local_kafka import LocalKafka

    topic = f"transcript-ledger-demo-{uuid4().hex[:8]}"
    settings = {"LEDGER_LOG": "kafka", "LEDGER_TOPIC": topic, "LEDGER_FEEDS_PREFIX": f"{topic}."}
    if named:
        copies = {name: os.environ[name] for name in ("LEDGER_REPLICATION", "LEDGER_MIN_INSYNC") if name in os.environ}
        yield settings | copies | {"LEDGER_KAFKA": ",".join(named)}
        return
    typer.echo("Starting Apache Kafka, one broker on loopback ...")
    kafka = LocalKafka()
    try:
        asyncio.run(kafka.start())
        bootstrap = ",".join(kafka.bootstrap)
        yield settings | {"LEDGER_KAFKA": bootstrap, "LEDGER_REPLICATION": "1", "LEDGER_MIN_INSYNC": "1"}
    finally:
        asyncio.run(kafka.stop())
