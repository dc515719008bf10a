"""The house itself: what the project promises about its own files."""

import base64
import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from services import __version__

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "events", "projections", "services")
# In base64, so that this file does not name them itself.
HOSTS = base64.b64decode(
    "cHlwaVwub3JnfHB5dGhvbmhvc3RlZFwub3JnfHJlZ2lzdHJ5XC5ucG1qc1wub3JnfHJlcG8xP1wubWF2ZW5cLihhcGFjaGVcLik/b3JnfGRlYlwuZGViaWFuXC5vcmc="
)


def tracked_files() -> list[Path]:
    """Every file that is in version control, or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_owns_our_package_names(package: str) -> None:
    """The four plain names are ours alone in this environment, so `from events.x import` means our events."""
    assert set(packages_distributions().get(package, ["transcript-ledger"])) == {"transcript-ledger"}


def test_the_newest_changelog_entry_is_the_version_of_the_code() -> None:
    entries = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)

    assert entries[0] == __version__


def test_no_file_names_a_package_registry_host() -> None:
    """A lock file or a build file that carries a host would tie every build to it."""
    named = [path for path in tracked_files() if re.search(HOSTS, path.read_bytes())]

    assert named == []


def test_the_host_check_can_fail() -> None:
    assert re.search(HOSTS, b"https://py" + b"pi.org/simple")


def test_every_requirement_is_locked_by_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]

    assert len(entries) > 20
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_decision_is_listed_and_every_listed_one_is_there() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text()))

    assert listed == {path.name for path in folder.glob("[0-9]*.md")}


def test_every_link_between_documents_leads_somewhere() -> None:
    dead = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in tracked_files()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text())
        if not (path.parent / target).exists()
    ]

    assert dead == []


def test_every_code_path_named_in_the_documents_exists() -> None:
    """`services/intake/work.py` in a document is a promise that it can be opened."""
    dead = [
        f"{path.relative_to(ROOT)}: {named}"
        for path in tracked_files()
        if path.suffix == ".md" and "louisiana-sts" not in path.parts
        for named in re.findall(
            r"`((?:schemas|events|projections|services|tests|deploy|docs)/[\w./-]+\w)`", path.read_text()
        )
        if not (ROOT / named).exists()
    ]

    assert dead == []


def test_the_wheel_holds_our_four_packages_with_their_data_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()

    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == set(PACKAGES)
    assert "schemas/louisiana_sts/rules.toml" in names


def test_the_readme_tells_the_story_that_the_demo_tells() -> None:
    """Each headline of the README's demo is one of the program's own, whatever number stands in it."""
    acts = ("demo_story.py", "demo_certified.py")
    source = "".join((ROOT / "services" / "cli" / act).read_text() for act in acts)
    told = [
        re.sub(r"\\\{.*?\\\}", ".+", re.escape(text)) for text in re.findall(r'headline\(\s*f?"(.+?)"\s*\)', source)
    ]
    console = re.search(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert console is not None
    headlines = re.findall(r"^# (.+)$", console[1], flags=re.MULTILINE)

    assert len(headlines) > 5
    assert [line for line in headlines if not any(re.fullmatch(pattern, line) for pattern in told)] == []
