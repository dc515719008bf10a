"""Upload to readable: what a student costs as files grow, and that no process grows with the ledger.

Each upload runs in a process of its own, from the file's bytes until every row can be read; that process also follows
the log, so its memory is that of intake and follower together.
"""

from typing import Any

from benchmarks.figures import Figure, Target
from benchmarks.plan import Plan, in_a_process
from services.settings import Settings

SMALL, LARGE = 10_000, 100_000
MEDIUM = 30_000
"""Instead of LARGE where `--large` is not given."""
STEPS = 4
PER_STEP = 5_000
GROWTH = 1.3
MEMORY_GROWTH = 1.1


async def measure(plan: Plan) -> list[Figure]:
    """Measure cost and memory."""
    return [*await cost(plan), *await memory(plan)]


async def cost(plan: Plan) -> list[Figure]:
    """Cost per student, on each log, and of a large file as a multiple of a small one's."""
    small, large = plan.size(SMALL), plan.size(LARGE if plan.large else MEDIUM)
    figures = []
    per_student: dict[int, list[float]] = {small: [], large: []}
    for turn in range(plan.runs):
        for students in (small, large) if turn < (1 if plan.large else 2) else (small,):
            plan.said(f"upload of {students:,} students, sqlite")
            async with plan.home("sqlite") as settings:
                done = await upload(plan, settings, students)
            per_student[students].append(done["seconds"] / done["students"] * 1e3)
    figures.append(
        Figure(
            "upload", f"sqlite: upload to readable, a student of {large:,}", "ms", per_student[large],
            f"a student of {small:,}", per_student[small], Target(GROWTH, "x", of_ratio=True),
        )
    )  # fmt: skip
    if await plan.kafka():
        plan.said(f"upload of {small:,} students, kafka")
        async with plan.home("kafka") as settings:
            done = await upload(plan, settings, small)
        milliseconds = done["seconds"] / done["students"] * 1e3
        figures.append(Figure("upload", f"kafka: upload to readable, a student of {small:,}", "ms", [milliseconds]))
    return figures


async def upload(plan: Plan, settings: Settings, students: int, sponsor: str = "017") -> dict[str, Any]:
    """Upload one file in a new process."""
    file = plan.students_file(students, sponsor=sponsor)
    done = await in_a_process("benchmarks.upload_process", settings, str(file))
    return dict(done["uploads"][0]) | {"idle_mb": done["idle_mb"]}


async def memory(plan: Plan) -> list[Figure]:
    """Peak memory beyond the file for files of one size: the first upload of a ledger, and after so many others."""
    students = plan.size(PER_STEP)
    plan.said(f"memory: {STEPS} uploads of {students:,} students each into one ledger, in new processes")
    async with plan.home("sqlite") as settings:
        fresh = [await upload(plan, settings, students, sponsor=f"{200 + step}") for step in range(STEPS)]
    plan.said(f"memory: {STEPS} uploads in one process")
    async with plan.home("sqlite") as settings:
        files = [str(plan.students_file(students, sponsor=f"{200 + step}")) for step in range(STEPS)]
        one = (await in_a_process("benchmarks.upload_process", settings, *files))["uploads"]
    beyond = [done["peak_mb"] - done["file_mb"] for done in fresh]
    peaks = [done["peak_mb"] - done["file_mb"] for done in one]
    target = Target(MEMORY_GROWTH, "x", of_ratio=True)
    note = f"{students:,} students each"
    return [
        Figure(
            "upload", f"peak memory beyond the file, upload {STEPS} of a ledger, new process", "MB", beyond[-1:],
            "upload 1", beyond[:1], target, note,
        ),
        Figure(
            "upload", f"peak memory beyond the file after upload {STEPS}, same process", "MB", peaks[-1:],
            "after upload 2", peaks[1:2], target, note,
        ),
    ]  # fmt: skip
