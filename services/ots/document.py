"""The document of an official transcript: PDF/A-2a and PDF/UA-1 in one file, the same bytes for the same content.

typst sets `template/transcript.typ` in its own fonts alone, and the only time in the file is the certifying commit's.
A process that was forked from one that rendered cannot render, as typst's threads stay behind: spawn it instead.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Literal

import segno
import typst

from events.transcript_content import OfficialTranscript
from services.ots.face import checkable, face

TEMPLATE = Path(__file__).parent / "template"
FACE = Path(__file__).parent / "face.py"


REFUSED = re.compile(r'(?:text|codepoint) `"(.+?)"`')
ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")


class CannotRender(Exception):
    """The content holds a character that no font of the document has. Names it, and nothing else of the content."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document and what made it: `digest` is the SHA-256 (hex) of `pdf`."""

    pdf: bytes
    digest: str
    template_digest: str
    typst_version: str


def render(official: OfficialTranscript) -> Rendered:
    """Return the document of one version. Takes some 30 ms; safe in threads, which take turns. Raises CannotRender."""
    (pdf,) = compiled(official, "pdf")
    return Rendered(pdf, hashlib.sha256(pdf).hexdigest(), template_digest(), typst_version())


def page_images(official: OfficialTranscript, ppi: float = 144) -> list[bytes]:
    """Return the document's pages as PNG."""
    return compiled(official, "png", ppi)


@cache
def template_digest() -> str:
    """Return the SHA-256 (hex) of all that shapes a document but typst: template, face.py, the version of segno."""
    digest = hashlib.sha256(f"segno {version('segno')}\n".encode())
    for path in (FACE, *sorted(TEMPLATE.glob("*.typ"))):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@cache
def typst_version() -> str:
    """Return the version of typst that sets the documents."""
    return version("typst")


_compiling = Lock()


@cache
def compiler() -> typst.Compiler:
    """Return this process's compiler, which keeps template and fonts. It serves one thread at a time."""
    return typst.Compiler(TEMPLATE / "transcript.typ", root=TEMPLATE, ignore_system_fonts=True)


@cache
def rendering_process() -> int:
    """Return the id of the process that rendered first: this one, or one from which it was forked."""
    return os.getpid()


def compiled(official: OfficialTranscript, kind: Literal["pdf", "png"], ppi: float | None = None) -> list[bytes]:
    """Set the document as one PDF, or as one PNG a page."""
    if rendering_process() != os.getpid():
        raise RuntimeError("this process was forked from one that rendered, and typst would hang: spawn it instead")
    inputs = {"face": json.dumps(face(official, qr_svg(checkable(official))))}
    try:
        with _compiling:
            files = compiler().compile(
                format=kind,
                sys_inputs=inputs,
                timestamp=official.time,
                pdf_standards=["a-2a", "ua-1"] if kind == "pdf" else [],
                ppi=ppi,
            )
    except typst.TypstError as error:
        raise refusal(error) from None
    assert files is not None
    return files if isinstance(files, list) else [files]


def refusal(error: typst.TypstError) -> Exception:
    """Return what to raise for typst's error; one that is not about a character is our own fault and stays as it is."""
    found = REFUSED.search(str(error))
    if found is None:
        return error
    text = ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), found[1])
    codes = ", ".join(f"U+{ord(character):04X}" for character in text)
    return CannotRender(
        f"the document's fonts cannot show {codes}; correct the name or text that holds it at its source, in letters "
        "that they have (Latin, Greek, Cyrillic, Hebrew, Arabic), and certify again"
    )


def qr_svg(text: str) -> str:
    """Return a QR code as SVG, without colours of its own and with the quiet zone that a reader needs."""
    return segno.make_qr(text, error="m").svg_inline(border=4)
