"""veraPDF's verdict on the documents, and how it comes to its jars."""

import stat
from io import BytesIO
from pathlib import Path
from typing import get_args

import pytest
from pypdf import PdfWriter

from events.identity import Unknown
from services.embedded import verapdf
from services.embedded.verapdf import VERAPDF, Flavour, VerapdfMissing, failures
from services.ots.document import render
from tests.support.transcripts import NONPUBLIC, ROWS, official, stored, transcript
from tests.support.verapdf import need_verapdf

FLAVOURS = get_args(Flavour)


@pytest.fixture(scope="module")
def needed(pytestconfig: pytest.Config) -> None:
    need_verapdf(pytestconfig)


@pytest.fixture(scope="module")
def documents(needed: None, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Documents of every shape: one page and several, few parts and all, every letter of Latin-1."""
    folder = tmp_path_factory.mktemp("documents")
    letters = "".join(map(chr, range(0xC0, 0x100)))
    many = [row._replace(code=f"{number:06d}", name=letters[:60]) for number in range(4) for row in ROWS]
    contents = {
        "ordinary": transcript(),
        "one-course": transcript(stored(ROWS[:1], ())),
        "many": transcript(stored(many)),
        "nonpublic": transcript(stored(student=NONPUBLIC), Unknown(), "nonpublic"),
    }
    for name, content in contents.items():
        (folder / f"{name}.pdf").write_bytes(render(official(content, version=1)).pdf)
    return sorted(folder.iterdir())


def plain_page() -> bytes:
    """An empty page without tags."""
    writer, made = PdfWriter(), BytesIO()
    writer.add_blank_page(612, 792)
    writer.write(made)
    return made.getvalue()


@pytest.mark.verapdf
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_documents_are_pdf_a_2a_and_pdf_ua_1_at_once(documents: list[Path], flavour: Flavour) -> None:
    assert len(documents) == 4
    assert failures(documents, flavour) == []


@pytest.mark.verapdf
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_it_does_find_fault(documents: list[Path], tmp_path: Path, flavour: Flavour) -> None:
    """A document that claims nothing and has no tags conforms to neither; what is no PDF has no verdict."""
    plain, none, missing = (tmp_path / f"{name}.pdf" for name in ("plain", "none", "missing"))
    plain.write_bytes(plain_page())
    none.write_bytes(b"Not a PDF")
    found = failures([documents[0], plain, none, missing], flavour)

    assert f"FAIL {plain} {flavour}" in found
    assert [line for line in found if str(documents[0]) in line] == []
    assert any(str(none) in line for line in found)
    assert any(str(missing) in line for line in found)


def test_without_java_it_is_passed_over_with_one_loud_line_but_not_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    assert verapdf.main(["fetch"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("WARNING: THE VERAPDF TESTS WILL BE SKIPPED: veraPDF cannot run, as `java` is missing")
    assert "then `make verapdf`" in line
    monkeypatch.setenv("CI", "true")
    assert verapdf.main(["fetch"]) == 1
    assert capsys.readouterr().out.startswith("ERROR: ")


def test_without_jars_it_says_how_to_fetch_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\" 2025-04-15' >&2\n")
    java.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with pytest.raises(VerapdfMissing, match="run `make verapdf`"):
        failures([], "2a")


def test_the_checkouts_own_pom_names_the_version_and_no_host() -> None:
    pom = (Path(__file__).parents[2] / "deploy" / "verapdf" / "pom.xml").read_text()

    assert VERAPDF.version.search(pom)
    assert "//" not in pom
