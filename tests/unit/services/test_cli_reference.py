"""The reference page is the program's own, and every command is on it."""

import subprocess
import sys
from pathlib import Path

from services.cli.app import COMMANDS
from services.cli.errors import ExitCode
from services.cli.reference import ANSWERS, reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
HEAVY = {"asyncpg", "aiokafka", "cryptography", "fsspec", "sqlite3", "pydantic_settings"}


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text() == reference(), "run `python -m services.cli.reference > docs/reference/cli.md`"


def test_every_command_has_its_section_and_every_exit_code_its_row() -> None:
    page = PAGE.read_text()

    assert all(f"## `ledger {name}`" in page for name in COMMANDS)
    assert all(f"| {code.value} |" in page for code in ExitCode)


def test_every_command_that_answers_in_json_has_its_keys_on_the_page() -> None:
    page = PAGE.read_text()

    for shape in ANSWERS.values():
        section = page.split(f"### {shape.__name__}\n")[1].split("\n### ")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [
            *shape.__struct_fields__
        ]


def imported_by(code: str) -> set[str]:
    """Return which of the heavy packages a fresh interpreter has imported after running some code."""
    script = f"import sys\n{code}\nprint(*sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_and_check_import_no_store(tmp_path: Path) -> None:
    """Checking a file needs no ledger, so neither database nor broker nor cipher is loaded for it."""
    file = tmp_path / "a.txt"
    file.write_bytes(b"no batch file\n")

    assert imported_by("from services.cli.main import run; run(['--help'])") == set()
    assert imported_by(f"from services.cli.main import run; assert run(['check', {str(file)!r}]) == 2") == set()


def test_the_version_is_told_before_anything_is_imported() -> None:
    script = "import sys; before = set(sys.modules); from services.cli.main import run; run(['--version'])\n"
    script += "print(len(set(sys.modules) - before))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    version, number = done.stdout.splitlines()
    assert version.startswith("transcript-ledger ")
    assert int(number) < 20, "typer alone would bring a hundred"
