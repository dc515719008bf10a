"""`ledger serve` as a process: its pages, its watched folder, its OTS worker, and its end."""

import asyncio
import json
import signal
import urllib.error
import urllib.request
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from projections.database import connect
from projections.fsck import fsck
from projections.views import SCHEMAS
from services.generate import Spec, generate
from services.intake.receive import Received, receive
from services.ledger import Ledger
from services.serving.inbox import upload_id
from services.settings import Settings
from tests.support.feeds import heard_in, serving
from tests.support.graduates import certify_all, in_june, settings_for, upload

pytestmark = pytest.mark.postgres


@pytest.fixture
def settings(tmp_path: Path, views_dsn: str, registry_dsn: str) -> Settings:
    """An embedded log, and two databases of the tests' own server."""
    return settings_for(tmp_path / "home", views_dsn, registry_dsn)


async def port_of(process: Process) -> int:
    """Wait until the process listens, and return where."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = (await process.stdout.readline()).decode()
    assert line.startswith("serving "), line
    return int(line.split("127.0.0.1:")[1].split(",")[0])


async def get(port: int, page: str) -> tuple[int, str]:
    """Ask for a page: its status and its text."""

    def fetch() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(fetch)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something another process does."""
    async with asyncio.timeout(60):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.05)


async def sound(ledger: Ledger) -> None:
    """Every row is what a fresh fold gives."""
    await ledger.caught_up()
    connection = await connect(ledger.views_dsn, SCHEMAS)
    try:
        assert (await fsck(connection, ledger.log, ledger.keyring)).differences == ()
    finally:
        await connection.close()


async def statuses_of(ledger: Ledger) -> set[str]:
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch("select status from official_answers")
    return {row["status"] for row in rows}


# --- Pages and the end -------------------------------------------------------------------------------------------


async def test_the_pages_tell_how_far_it_is_and_name_nobody(settings: Settings, tmp_path: Path) -> None:
    async with in_june(settings) as ledger:
        await upload(ledger, tmp_path)
        end = await ledger.log.end()
        refs = {str(ref) for ref in await certify_all(ledger)}

    async with serving(settings, "projector") as process:
        port = await port_of(process)
        alive, ready, metrics = [await get(port, page) for page in ("healthz", "readyz", "metrics")]

    assert alive == (200, "ok\n")
    said = json.loads(ready[1])
    assert (ready[0], said["ready"], said["behind"], said["roles"]) == (200, True, 0, ["projector"])
    assert said["position"] == said["log_end"] - 1 > end
    assert metrics[0] == 200
    assert f"ledger_log_end {said['log_end']}.0" in metrics[1]
    assert f'ledger_ots_graduates{{status="Q"}} {len(refs)}.0' in metrics[1]
    assert not any(ref in metrics[1] + ready[1] for ref in refs)


async def test_a_parked_view_makes_it_unready_and_names_itself(settings: Settings, views_dsn: str) -> None:
    """A process that has just started tries a parked view once more, so it is parked until that is over."""
    async with serving(settings, "projector") as process:
        port = await port_of(process)
        assert (await get(port, "readyz"))[0] == 200
        connection: asyncpg.Connection = await connect(views_dsn, SCHEMAS)
        try:
            async with asyncio.timeout(30):
                status, metrics = 200, ""
                while status == 200 or "ledger_views_parked 1.0" not in metrics:
                    await connection.execute(
                        "update projections set error = 'KeyError', error_position = 1 where name = 'uploads'"
                    )
                    status, text = await get(port, "readyz")
                    alive, _ = await get(port, "healthz")
                    _, metrics = await get(port, "metrics")
        finally:
            await connection.close()

    assert (status, json.loads(text)["parked"]) == (503, ["uploads"])
    assert alive == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_within_ten_seconds(settings: Settings, number: signal.Signals) -> None:
    async with serving(settings) as process:
        await port_of(process)
        process.send_signal(number)
        async with asyncio.timeout(10):
            _, err = await process.communicate()

    assert process.returncode == 128 + number
    assert b"Traceback" not in err
    assert b"was destroyed" not in err


async def test_the_feeds_are_refused_without_kafka(settings: Settings) -> None:
    async with serving(settings, "feeds") as process:
        _, err = await process.communicate()

    assert process.returncode == 2
    assert b"LEDGER_LOG=kafka" in err


# --- Roles -------------------------------------------------------------------------------------------------------


async def test_graduates_who_wait_are_answered(settings: Settings, tmp_path: Path) -> None:
    async with in_june(settings) as ledger:
        await upload(ledger, tmp_path)
        refs = await certify_all(ledger)

        async def all_answered() -> bool:
            async with ledger.pool.acquire() as connection:
                return bool(await connection.fetchval("select count(*) from official_answers") == len(refs))

        async with serving(settings, "ots") as process:
            await port_of(process)
            await until(all_answered)

        assert "S" in await statuses_of(ledger)
        await sound(ledger)


async def test_a_file_in_the_folder_is_received_once_and_worked(settings: Settings) -> None:
    inbox = settings.home / "inbox"
    async with in_june(settings) as ledger:

        async def worked() -> bool:
            async with ledger.pool.acquire() as connection:
                return bool(await connection.fetchval("select count(*) from transcript_students") == 20)

        async with serving(settings, "intake") as process:
            await port_of(process)
            await until(lambda: asyncio.to_thread(inbox.is_dir))
            generate(Spec(20)).write(inbox / ".coming.part")
            (inbox / ".coming.part").rename(inbox / "students.txt")
            await until(worked)

        async with ledger.pool.acquire() as connection:
            assert await connection.fetchval("select count(*) from uploads") == 1
        (taken,) = (inbox / "taken").iterdir()
        assert taken.name.endswith("-students.txt")
        assert not (inbox / "students.txt").exists()
        await sound(ledger)


async def test_a_file_received_just_before_a_crash_is_not_received_again(settings: Settings) -> None:
    """Killed between receiving and moving, a process leaves an upload in the log and the file in the folder."""
    inbox = settings.home / "inbox"
    inbox.mkdir(parents=True)
    generate(Spec(20)).write(inbox / "students.txt")
    async with in_june(settings) as ledger:
        upload = upload_id(inbox / "students.txt")
        assert isinstance(await receive(ledger, inbox / "students.txt", "replace", upload=upload), Received)

        async with serving(settings, "intake") as process:
            await port_of(process)
            await until(lambda: asyncio.to_thread((inbox / "taken" / f"{upload}-students.txt").exists))

        async with ledger.pool.acquire() as connection:
            assert await connection.fetchval("select count(*) from uploads") == 1
        await sound(ledger)


async def test_a_process_killed_again_and_again_receives_each_file_once(settings: Settings) -> None:
    inbox = settings.home / "inbox"
    inbox.mkdir(parents=True)
    for seed in range(3):
        generate(Spec(10, seed=seed)).write(inbox / f"{seed}.txt")
    async with in_june(settings) as ledger:
        for number in range(1, 4):

            async def received(number: int = number) -> bool:
                async with ledger.pool.acquire() as connection:
                    return bool(await connection.fetchval("select count(*) from uploads") >= number)

            async with serving(settings, "intake") as process:
                await until(received)
                process.kill()
        async with serving(settings, "intake") as process:
            await port_of(process)
            await until(lambda: asyncio.to_thread(lambda: len(list((inbox / "taken").iterdir())) == 3))

        await ledger.caught_up()
        async with ledger.pool.acquire() as connection:
            assert await connection.fetchval("select count(*) from uploads") == 3
        await sound(ledger)


async def test_a_file_that_is_too_large_is_put_aside_with_the_reason(settings: Settings) -> None:
    inbox = settings.home / "inbox"
    inbox.mkdir(parents=True)
    generate(Spec(20)).write(inbox / "students.txt")

    async with serving(settings, "intake", LEDGER_MAX_UPLOAD_BYTES="100") as process:
        await port_of(process)
        await until(lambda: asyncio.to_thread(lambda: len(list((inbox / "refused").glob("*"))) == 2))

    (note,) = (path for path in (inbox / "refused").iterdir() if not path.name.endswith("-students.txt"))
    assert note.read_text().startswith("S05 ")
    assert not (inbox / "students.txt").exists()


@pytest.mark.kafka
async def test_on_kafka_all_roles_run_in_one_process_and_end_in_time(
    tmp_path: Path, views_dsn: str, registry_dsn: str, kafka_bootstrap: list[str]
) -> None:
    """From certified to official to the feed, by one process."""
    settings = settings_for(tmp_path / "home", views_dsn, registry_dsn, kafka_bootstrap)
    async with in_june(settings) as ledger:
        await upload(ledger, tmp_path)
        refs = await certify_all(ledger)
        async with serving(settings) as process:
            await port_of(process)
            topic = f"{settings.feeds_prefix}feeds.ots"

            async def told() -> bool:
                return len(await heard_in(kafka_bootstrap, topic)) >= 2 * len(refs)

            await until(told)
            heard = await heard_in(kafka_bootstrap, topic)
            process.terminate()
            async with asyncio.timeout(10):
                _, err = await process.communicate()
        await sound(ledger)

    assert [each.sequence for each in heard] == list(range(1, 2 * len(refs) + 1))
    assert {each.kind for each in heard if each.sequence > len(refs)} <= {"sent", "rejected"}
    assert {each.key for each in heard if each.kind == "sent"} <= {str(ref) for ref in refs}
    assert process.returncode == 143
    assert b"Traceback" not in err
