"""The codes of one 050, each by its sentence in Appendix K (p. 138). 503 and 504 refuse the file (reading.py)."""

from tests.oracle.reading import File, Row
from tests.oracle.values import is_code, is_digits, number


def code_507(row: Row, file: File) -> bool:
    """p. 138: public ten digits that eScholar holds; nonpublic nine, or ten with a leading zero (NP-12)."""
    state_id = row["state_identification_number"]
    if file.variant == "public":
        return not is_digits(state_id, 10) or file.facts.lacks("identities", state_identification_number=state_id)
    return not (is_digits(state_id, 9) or (is_digits(state_id, 10) and state_id.startswith(b"0")))


def code_510(row: Row, file: File) -> bool:
    """p. 138: given, and in the matrix."""
    return row["ibc_code"] == b"" or file.facts.lacks("credentials", ibc_code=row["ibc_code"])


def code_511(row: Row, file: File) -> bool:
    """p. 138: 1 fall, 2 spring, 3 summer."""
    return row["semester_ibc_earned"] not in (b"1", b"2", b"3")


def code_512(row: Row, file: File) -> bool:
    """p. 138: four digits, not after the BSSY."""
    year = number(row["year_ibc_earned"], 4)
    return year is None or year > file.bssy


def code_513(row: Row, file: File) -> bool:
    """p. 138: P or F; a second of one kind is told in sets.py."""
    return row["pass_fail"] not in (b"P", b"F")


def code_514(row: Row, file: File) -> bool:
    """p. 138: three characters, in the master sponsor list."""
    sponsor = row["ibc_earned_sponsor_code"]
    return not is_code(sponsor, 3) or file.facts.lacks("sponsors", sponsor_code=sponsor)


def code_515(row: Row, file: File) -> bool:
    """p. 138: six characters, in the master site list."""
    site = row["ibc_earned_site_code"]
    return not is_code(site, 6) or file.facts.lacks("sites", site_code=site)


def faults_outside_the_guide(row: Row, file: File) -> list[str]:
    """None: a 050 has no filler."""
    return []
