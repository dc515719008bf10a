"""The document of an official transcript: the same bytes always, nothing lost, nothing out of its place."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest
import segno
from pypdf import PdfReader

from events.identity import StudentIdentified, Unknown
from events.transcript_content import OfficialTranscript, Transcript, content_digest
from schemas.louisiana_sts.labels import Names
from services.ots import document
from services.ots.document import CannotRender, page_images, qr_svg, render, template_digest
from services.ots.face import checkable, face
from tests.support.png import rows
from tests.support.transcript_image import IMAGE, drawn
from tests.support.transcripts import (
    NONPUBLIC,
    ROWS,
    SSN,
    STUDENT,
    Row,
    credential,
    official,
    stored,
    transcript,
)

ROOT = Path(__file__).parents[3]
LATIN_1 = "".join(map(chr, (*range(0xC0, 0xD7), *range(0xD8, 0xF7), *range(0xF8, 0x100))))
SENTENCE = "The History, Theory and Practice of Interdisciplinary Studies"[:60]


def named(first: str, last: str = "Doe", middle: str = "", suffix: str = "") -> StudentIdentified:
    return StudentIdentified(first, last, middle, suffix, "2008-02-29", SSN, "F")


def history(courses: int, name: str = "") -> list[Row]:
    """So many courses with codes of their own."""
    return [
        row._replace(code=f"{number:06d}", name=name or f"{row.name} {number}")
        for number, row in zip(range(courses), cycle(ROWS), strict=False)
    ]


NEEDED = ("beginning_school_session_year", "sponsor_code", "site_code", "diploma_pathway", "day_of_birth")
BARE = {name: STUDENT[name] for name in NEEDED}
EVERYTHING = STUDENT | {
    "diploma_pathway": "CA",
    "career_option_code": "S11",
    "academic_endorsement_code": "A4",
    "career_tech_endorsement_code": "B2",
    "state_seal_of_biliteracy_endorsement": "D6",
    "local_gpa": "WWWWWWWW",
    "local_rank_in_class_position": "9998",
    "local_rank_in_class_size": "9999",
}
LONG_NAMES = Names(
    sponsors={"017": "Heron Parish School District and Consolidated Vocational Training Authority"},
    sites={"017001": "Heron Bayou Laboratory Magnet High School for the Advanced Studies"},
    credentials={"901": "Heating, Ventilation, Air Conditioning and Refrigeration, Level 1, Part 2"},
)
CASES: dict[str, Callable[[], Transcript]] = {
    "ordinary": transcript,
    "one course": lambda: transcript(stored(ROWS[:1], ())),
    "no credentials": lambda: transcript(stored(credentials=())),
    "bare": lambda: transcript(stored(ROWS[:1], (), BARE), Unknown(), names=Names()),
    "every endorsement": lambda: transcript(stored(student=EVERYTHING)),
    "nonpublic": lambda: transcript(stored(student=NONPUBLIC), Unknown(), "nonpublic"),
    "not identified": lambda: transcript(identity=Unknown()),
    "no names": lambda: transcript(names=Names()),
    "90 courses": lambda: transcript(stored(history(90))),
    "90 long courses": lambda: transcript(stored(history(90, SENTENCE))),
    "40 credentials": lambda: transcript(stored(credentials=[credential(f"{code:03d}") for code in range(40)])),
    "long names": lambda: transcript(
        stored(history(30, SENTENCE), student=EVERYTHING),
        named(
            "Wilhelmina-Alexandria", "Featherstonehaugh-Villeneuve de la Rochefoucauld", "Bartholomea Constance", "III"
        ),
        names=LONG_NAMES,
    ),
    "names of 200 letters": lambda: transcript(
        stored([row._replace(name="") for row in history(6, "")], student=EVERYTHING),
        names=Names(
            sponsors={"017": "Parish " * 28},
            sites={"017001": "W" * 200},
            courses={(row.year, row.code): "Survey of " * 20 for row in history(6, "")},
            credentials={"901": "Wm " * 66},
        ),
    ),
    "words without a break": lambda: transcript(
        stored(history(6, "W" * 60), student=EVERYTHING),
        named("W" * 60, "M" * 120),
        names=replace(LONG_NAMES, sites={"017001": "W" * 70}, credentials={"901": "M" * 60}),
    ),
    "Latin-1": lambda: transcript(
        stored(history(4, LATIN_1[:60]), local_gpa="ÿþýüûúùø"), named(LATIN_1[:31], LATIN_1[31:])
    ),
    "other scripts": lambda: transcript(
        identity=named("Nguyễn Thị Ōtomo Łucja", "Παπαδοπούλου Иванова", "Ka\N{MODIFIER LETTER TURNED COMMA}iulani")
    ),
    "markup": lambda: transcript(identity=named("#panic() $x$ *b* _a_ <l> @r \\ // c", "[d] `e` 'f' \"g\" -- ~")),
}


@pytest.fixture(params=CASES)
def version(request: pytest.FixtureRequest) -> OfficialTranscript:
    return official(CASES[request.param]())


def read(made: OfficialTranscript) -> PdfReader:
    return PdfReader(BytesIO(render(made).pdf))


def text_of(reader: PdfReader) -> str:
    """All text without blanks and line ends, which tell nothing in a PDF."""
    return squeezed("".join(page.extract_text() for page in reader.pages))


def squeezed(text: str) -> str:
    return "".join(text.split())


def texts(value: object) -> Iterator[str]:
    """Every text in the face."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts(each)
        case list() | tuple():
            for each in value:
                yield from texts(each)


# Nothing lost, nothing out of its place


def test_every_text_of_the_face_is_in_the_document(version: OfficialTranscript) -> None:
    shown = {name: value for name, value in face(version, "").items() if name not in ("title", "qr-alt", "short-name")}
    text = text_of(read(version))
    missing = {each for each in texts(shown) if squeezed(each) not in text}

    assert missing == set()


def test_every_course_is_a_row_with_its_own_cells(version: OfficialTranscript) -> None:
    text = text_of(read(version))
    years: Any = face(version, "")["years"]
    for year in years:
        for code, lines, *cells in year["courses"]:
            assert squeezed("".join((code, *lines, *cells))) in text


def test_nothing_runs_into_a_margin(version: OfficialTranscript) -> None:
    """At 36 pixels an inch: nearly a quarter of an inch is white on all sides, and at the left and the right more."""
    for image in page_images(version, ppi=36):
        pixels = rows(image)
        dark = [row for row, line in enumerate(pixels) if line.strip(b"\xff")]
        assert min(dark) >= 8
        assert max(dark) < 396 - 8
        sides = b"".join(line[: 4 * 25] + line[4 * (306 - 25) :] for line in pixels)
        assert sides.strip(b"\xff") == b""


@pytest.mark.parametrize(("courses", "pages"), [(1, 1), (20, 1), (26, 1), (30, 1), (34, 1), (60, 2), (90, 3)])
def test_an_ordinary_history_fits_one_page_and_ninety_courses_fit_three(courses: int, pages: int) -> None:
    assert len(read(official(transcript(stored(history(courses))))).pages) <= pages


def test_each_page_says_whose_it_is_which_one_it_is_and_what_the_columns_are() -> None:
    reader = read(official(transcript(stored(history(120, SENTENCE))), version=2))
    pages = [page.extract_text() for page in reader.pages]
    number = len(pages)

    assert number > 2
    for place, text in enumerate(pages, start=1):
        assert f"{place} of {number}" in text
        assert "Evangéline Marie Thibodeaux-Landry" in text
        assert "[2]" in text
        assert "7f3a1b2c:18344" in text
        assert ("Attempted" in text) == (SENTENCE[:20] in text)


def test_a_year_that_goes_on_is_named_again() -> None:
    one_year = [row._replace(year="2021") for row in history(80)]
    pages = [page.extract_text() for page in read(official(transcript(stored(one_year)))).pages]

    assert len(pages) > 1
    assert all("2021\N{EN DASH}2022" in text for text in pages)


def test_the_first_version_has_no_mark_and_later_ones_have() -> None:
    first, second = (text_of(read(official(version=number))) for number in (0, 1))

    assert "[" not in first
    assert squeezed("Official Transcript [1]") in squeezed(str(read(official(version=1)).metadata))
    assert "[1],replacestheonebeforeit" in second


def test_no_social_security_number_is_on_its_face() -> None:
    for made in (transcript(), transcript(stored(student=NONPUBLIC), sector="nonpublic")):
        assert SSN not in text_of(read(official(made)))
        assert SSN.encode() not in render(official(made)).pdf


def test_a_nonpublic_transcript_does_not_say_that_it_was_certified() -> None:
    made = msgspec.structs.replace(official(), act="submitted")

    assert "assubmittedbytheschoolonMay22,2026" in text_of(read(made))
    assert "certifiedby" not in text_of(read(made))


# The same bytes


def test_two_renders_are_the_same_bytes(version: OfficialTranscript) -> None:
    assert render(version) == render(version)


def test_what_was_rendered_before_leaves_no_trace() -> None:
    first = render(official())
    render(official(transcript(stored(history(90)))))

    assert render(official()) == first


def test_threads_take_turns() -> None:
    versions = [official(version=number) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(render, versions))

    assert together == [render(each) for each in versions]
    assert len({each.digest for each in together}) == 8


FORKING = """
import os
from services.ots.document import render
from tests.support.transcripts import official

render(official())
if os.fork() == 0:
    render(official())
os.wait()
"""


@pytest.mark.timeout(30)
def test_a_forked_process_says_why_it_cannot_render_instead_of_hanging() -> None:
    done = subprocess.run([sys.executable, "-c", FORKING], cwd=ROOT, capture_output=True, check=True, text=True)

    assert "RuntimeError: this process was forked from one that rendered" in done.stderr


ENVIRONMENTS = (
    {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "1", "RAYON_NUM_THREADS": "1"},
    {"TZ": "America/Chicago", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "2"},
)
ELSEWHERE = """
import sys
import msgspec
from events.transcript_content import OfficialTranscript
from services.ots.document import render

print(render(msgspec.json.decode(sys.stdin.buffer.read(), type=OfficialTranscript)).digest)
"""


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=["Kathmandu", "Chicago"])
def test_another_process_in_another_place_makes_the_same_bytes(environment: dict[str, str], tmp_path: Path) -> None:
    """From the content as an event keeps it; under another time zone, locale, hash seed, folder and home."""
    made = official(CASES["Latin-1"](), version=1)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        input=msgspec.json.encode(made),
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )

    assert done.stdout.decode().strip() == render(made).digest


def test_the_time_in_the_file_is_the_certifying_commits() -> None:
    metadata: Any = read(official()).metadata

    assert metadata["/CreationDate"] == metadata["/ModDate"] == "D:20260522170509Z"


def test_a_render_names_what_made_it() -> None:
    made = render(official())

    assert made.digest == hashlib.sha256(made.pdf).hexdigest()
    assert made.template_digest == template_digest()
    assert made.typst_version.count(".") == 2


def test_the_template_digest_is_of_everything_that_shapes_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document that comes out otherwise is explained by another template digest or another typst."""
    ours = ROOT / "services" / "ots"
    shutil.copytree(ours / "template", tmp_path / "template")
    shutil.copy(ours / "face.py", tmp_path)
    monkeypatch.setattr(document, "TEMPLATE", tmp_path / "template")
    monkeypatch.setattr(document, "FACE", tmp_path / "face.py")
    assert {path.suffix for path in (ours / "template").iterdir()} == {".typ"}
    digests = [template_digest.__wrapped__()]
    assert digests == [template_digest()]
    for name in ("template/transcript.typ", "template/seal.typ", "face.py"):
        with (tmp_path / name).open("a") as file:
            file.write("\n")
        digests.append(template_digest.__wrapped__())
    (tmp_path / "template" / "seal.typ").rename(tmp_path / "template" / "stamp.typ")
    digests.append(template_digest.__wrapped__())
    monkeypatch.setattr(document, "version", str.upper)
    digests.append(template_digest.__wrapped__())

    assert len(set(digests)) == 6


# What it cannot show


@pytest.mark.parametrize(("letter", "code"), [("李", "U+674E"), ("\ue000", "U+E000"), ("😀", "U+1F600")])
def test_a_character_that_no_font_has_is_refused_by_its_number_alone(letter: str, code: str) -> None:
    with pytest.raises(CannotRender, match=rf"cannot show {code.replace('+', '.')}; correct") as refused:
        render(official(transcript(identity=named("Evangéline", f"Landry{letter}"))))

    assert "Landry" not in str(refused.value)
    assert letter not in str(refused.value)
    assert refused.value.__suppress_context__


def test_after_a_refusal_the_next_one_is_rendered() -> None:
    with pytest.raises(CannotRender):
        render(official(transcript(identity=named("李"))))

    assert render(official()) == render(official())


# The code


def test_the_code_carries_transcript_version_and_content_digest() -> None:
    made = official(version=2)
    student = made.transcript.student.transcript_id

    assert checkable(made) == f"ledger:7f3a1b2c/{student}/v2?sha256={content_digest(made.transcript)}"


def dark_modules(svg: str) -> set[tuple[int, int]]:
    """Column and row of each dark module, read from the strokes of the SVG."""
    dark: set[tuple[int, int]] = set()
    column, row = 0, 0
    for move, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", svg[svg.index(' d="') :]):
        if move == "h":
            dark |= {(column + number, row) for number in range(int(first))}
            column += int(first)
        elif move == "M":
            column, row = int(first), int(float(second))
        else:
            column, row = column + int(first), row + int(second)
    return dark


def test_the_code_is_drawn_whole_with_its_quiet_zone() -> None:
    code = segno.make_qr(checkable(official()), error="m")
    modules = {(x, y) for y, line in enumerate(code.matrix_iter(border=4)) for x, module in enumerate(line) if module}

    assert dark_modules(qr_svg(checkable(official()))) == modules
    assert min(modules) == (4, 4)


# For readers who do not see it


def structure(reader: PdfReader) -> list[Any]:
    """All structure elements, in reading order."""
    found: list[Any] = []

    def walk(node: Any) -> None:
        node = node.get_object()
        if isinstance(node, list):
            for each in node:
                walk(each)
        elif isinstance(node, dict):
            if "/S" in node:
                found.append(node)
            if "/K" in node:
                walk(node["/K"])

    root: Any = reader.root_object
    walk(root["/StructTreeRoot"]["/K"])
    return found


def test_it_has_a_language_a_title_and_tags() -> None:
    reader = read(official())
    root: Any = reader.root_object

    assert root["/Lang"] == "en-US"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata
    assert reader.metadata.title == "Official Transcript: Evangéline Marie Thibodeaux-Landry"


def test_headings_tables_and_the_code_are_tagged() -> None:
    elements = structure(read(official(transcript(stored(history(60))))))
    kinds = [element["/S"] for element in elements]

    assert kinds.count("/H1") == 1
    assert kinds.index("/H1") < kinds.index("/H2")
    assert kinds.count("/Table") == 2
    assert kinds.count("/TH") == 8 + 4 + 3
    assert kinds.count("/TR") == (1 + 4 + 60 + 1) + (1 + 2)
    [code] = [element for element in elements if element["/S"] == "/Figure"]
    assert str(code["/Alt"]).startswith("Code that holds the text ledger:7f3a1b2c/")


def test_every_font_is_in_the_file() -> None:
    reader = read(official(CASES["other scripts"]()))
    resources: list[Any] = [page["/Resources"] for page in reader.pages]
    fonts = [font.get_object() for each in resources for font in each["/Font"].values()]

    assert len(fonts) > 3
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & descriptor.keys()
        assert "/ToUnicode" in font


# The picture


def test_the_readmes_picture_is_what_the_template_draws() -> None:
    kept, now = (hashlib.sha256(image).hexdigest() for image in (IMAGE.read_bytes(), drawn()))

    assert kept == now, "draw it anew: python -m tests.support.transcript_image"
