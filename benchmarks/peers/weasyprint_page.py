"""`python weasyprint_page.py FACES`: the same transcripts as HTML, set by weasyprint as PDF/A-2a on one core.

Runs in an environment that has weasyprint and nothing of ours. Prints documents per second of the core's time.
"""

import importlib
import json
import os
import sys
import time
from html import escape
from pathlib import Path
from typing import Any

STYLE = """
@page { size: letter; margin: 0.64in 0.75in 0.7in; @bottom-right { content: counter(page) " of " counter(pages) } }
body { font: 9.5pt serif } h1 { text-align: center; font-size: 24pt } td, th { text-align: left; font-size: 8.5pt }
table { width: 100%; border-collapse: collapse } td.n { text-align: right } thead { display: table-header-group }
svg { width: 88pt; height: 88pt } dl { columns: 4 }
"""
COLUMNS = ("Code", "Course", "Type", "Term", "Grade", "Attempted", "Earned", "Points")


def page(face: Any) -> str:
    """The transcript as HTML with its texts, table and code."""
    facts = "".join(f"<dt>{escape(name)}<dd>{escape(text)}" for name, text in face["places"] + face["facts"])
    rows = "".join(year_rows(year) for year in face["years"])
    head = "".join(f"<th>{name}" for name in COLUMNS)
    ends = "".join(
        f"<p>{escape(' '.join(parts))}" for parts in face["endorsements"] + face["credentials"] + face["marks"]
    )
    return (
        f"<html lang=en-US><title>{escape(face['title'])}</title><style>{STYLE}</style>"
        f"<p>{escape(face['state'])}<p>{escape(face['department'])}<h1>Official Transcript {face['mark']}</h1>"
        f"<h2>{escape(face['name'])}</h2><p>{escape(face['diploma'])}<dl>{facts}</dl>"
        f"<table><thead><tr>{head}</thead><tbody>{rows}</tbody></table><p>{escape(face['key'])}{ends}"
        f"<p>{escape(face['statement'])}<p>{' '.join(face['digest'])}<p>{face['qr']}"
    )


def year_rows(year: Any) -> str:
    head = f"<tr><th colspan=8>{year['year']} {year['attempted']} {year['earned']}"
    return head + "".join(course_row(*course) for course in year["courses"])


def course_row(code: str, lines: list[str], *cells: str) -> str:
    name = "<br>".join(map(escape, lines))
    return f"<tr><td>{code}<td>{name}" + "".join(f"<td class=n>{escape(cell)}" for cell in cells)


def main(faces: str) -> None:
    """Render, then report."""
    weasyprint = importlib.import_module("weasyprint")
    pages = [page(face) for face in json.loads(Path(faces).read_text())]
    weasyprint.HTML(string=pages[0]).write_pdf(pdf_variant="pdf/a-2a")
    began = time.process_time()
    for html in pages:
        weasyprint.HTML(string=html).write_pdf(pdf_variant="pdf/a-2a")
    print(len(pages) / (time.process_time() - began))


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    main(*sys.argv[1:])
