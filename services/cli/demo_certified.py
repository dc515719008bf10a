"""The second act of `ledger demo`: from certified to official, repaired, revised, reassigned."""

import csv
from pathlib import Path

from services.cli.demo_story import BSSY, Answer, answer_of, ask, check, generate, headline, run
from services.cli.errors import ExitCode

SITE, OTHER_SITE = "017001", "017002"
EXTRACT = "escholar.csv"


def tell_second_act(students: int) -> None:
    """Tell it. Raises StoryBroken."""
    state_id, birth_date = identified(students)
    certified()
    answered(state_id)
    repaired(state_id, birth_date)
    revised = changed_after_certification()
    second_version(revised)
    reassigned()
    headline("One graduate, from the upload to the second version")
    run("history", revised)


def identified(students: int) -> tuple[str, str]:
    """Load the identities; one graduate's birth date is not known yet. Returns who, and the date."""
    headline("Public files carry one letter of the first name and three of the last. The state knows who they are")
    generate("corrected.txt", students, "--extract", EXTRACT)
    known = birth_dates()
    unknown = next(one["state_id"] for one in graduates() if known[one["state_id"]])
    write_birth_date(unknown, "")
    run("identities", "load", EXTRACT)
    missing = ask("identities", "missing", "--site", SITE, expect=ExitCode.PROBLEMS)["students"]
    check(unknown in {one["state_id"] for one in missing if not one["birth_date"]}, "one graduate lacks a birth date")
    return unknown, known[unknown]


def certified() -> None:
    """Open the year, and certify the site with exactly what was shown."""
    headline("The department lets districts write in that school year")
    run("collection", "open", BSSY)
    headline("A site certifies its graduates: first it is shown whom")
    run("certify", SITE, "--bssy", BSSY, "--yes")
    check(site()["standing"] == "certified", "the site is certified")


def answered(unknown: str) -> None:
    """The OTS sends, and rejects with reasons; a document is written."""
    headline("The Official Transcript System answers each: sent, or rejected with what to do about it")
    run("ots", "run", expect=ExitCode.PROBLEMS)
    run("ots", "--status", "R", expect=ExitCode.PROBLEMS)
    status = ask("ots", "--limit", "1000", expect=ExitCode.PROBLEMS)
    check(status["sent"] > 0 and status["queued"] == 0, "some are sent, nobody waits")
    lacking = [one["state_id"] for one in status["graduates"] if one["reasons"] == ["identity-missing"]]
    check(unknown in lacking, "who lacks a birth date is rejected for it")
    sent = next(one["state_id"] for one in status["graduates"] if one["status"] == "S")
    headline("The document: PDF/A for the archive, tagged for every reader, the same bytes whenever it is rendered")
    run("official", sent, "--out", "official/first.pdf", "--rerender")
    check(Path("official/first.pdf").read_bytes()[:5] == b"%PDF-", "the document is a PDF")


def repaired(state_id: str, birth_date: str) -> None:
    """The birth date is found; recertified, the rejected one is sent."""
    headline("The birth date is found, and the next extract has it. After recertification R becomes S")
    write_birth_date(state_id, birth_date)
    run("identities", "load", EXTRACT)
    run("certify", SITE, "--bssy", BSSY, "--yes")
    run("ots", "run", expect=ots_ends())
    check(ask("official", state_id)["answers"][-1]["status"] == "S", "the repaired one is sent")


def changed_after_certification() -> str:
    """Edit a graduate who has a transcript: the site needs recertification. Returns who."""
    headline("A graduate's grade is corrected after certification: the site needs recertification, and says for whom")
    chosen = next(one for one in statuses() if one["status"] == "S")
    state_id: str = chosen["state_id"]
    course = next(one for one in ask("student", state_id)["courses"] if one["letter_grade"] == "B")
    points = f"quality_points_awarded_count={course['quality_points'] + 100:03d}"
    change = ("letter_grade_code=A", points, "--reason", "grade appeal granted")
    run("edit", "course", state_id, str(course["number"]), *change)
    run("certifications", "--bssy", BSSY, expect=ExitCode.PROBLEMS)
    check(site()["standing"] != "certified", "the site needs recertification")
    return state_id


def second_version(state_id: str) -> None:
    """Certified again, the graduate's second version shows [1]."""
    headline("Certified again, a second version is made. It shows [1]; the first is kept for ever")
    run("certify", SITE, "--bssy", BSSY, "--yes")
    run("ots", "run", expect=ots_ends())
    run("official", state_id, "--version", "1", "--out", "official/second.pdf")
    sent = [one["version"] for one in ask("official", state_id)["answers"] if one["status"] == "S"]
    check(sent == [0, 1], "there are two versions")


def reassigned() -> None:
    """Move a student within the LEA."""
    headline("A student goes to the district's other school")
    moving = next(one for one in ask("students", "--site", SITE)["students"] if not one["graduation_date"])
    run("reassign", moving["state_id"], "--to", OTHER_SITE, "--reason", "family moved")
    now = ask("student", moving["state_id"])["student"]
    check(now["site"] == OTHER_SITE, "the student is at the other school")


# --- What is asked ----------------------------------------------------------------------------------------------


def graduates() -> list[Answer]:
    """The site's graduates."""
    found = ask("students", "--site", SITE, "--grade", "12", "--limit", "1000")["students"]
    return [one for one in found if one["graduation_date"]]


def statuses() -> list[Answer]:
    """Every graduate's status."""
    found: list[Answer] = answer_of("ots", "--limit", "1000")["graduates"]
    return found


def ots_ends() -> int:
    """How `ledger ots run` ends: with 1 while the state does not know some graduate's birth date."""
    known = birth_dates()
    return ExitCode.DONE if all(known[one["state_id"]] for one in graduates()) else ExitCode.PROBLEMS


def site() -> Answer:
    """How the site's certification stands."""
    found: Answer = next(one for one in answer_of("certifications", "--bssy", BSSY)["sites"] if one["site"] == SITE)
    return found


def read_extract() -> tuple[list[str], list[dict[str, str]]]:
    """Return the extract's column names and rows."""
    with Path(EXTRACT).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames or ()), list(reader)


def birth_dates() -> dict[str, str]:
    """Return each student's birth date as the extract has it."""
    return {row["state_identification_number"]: row["birth_date"] for row in read_extract()[1]}


def write_birth_date(state_id: str, birth_date: str) -> None:
    """Let the extract say another birth date of one student."""
    names, rows = read_extract()
    for row in rows:
        if row["state_identification_number"] == state_id:
            row["birth_date"] = birth_date
    with Path(EXTRACT).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
