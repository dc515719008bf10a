"""The tables that go with a generated file, as a folder for `ledger check --reference`: its reference tables, and who
its students are: identities (eScholar), special education flags (SER) and FAFSA values (LOSFA), all invented.
"""

from collections.abc import Iterator
from pathlib import Path

from schemas.louisiana_sts.reference_csv import content_of, table_of
from schemas.reference import ReferenceTable
from services.generate.extract import GeneratedExtract
from services.generate.file import Spec, Writer, is_held_by_losfa
from services.generate.people import Person

INVENTED = "demonstration: invented"


def write_tables(spec: Spec, folder: Path) -> None:
    """Write the folder. Raises ValueError for a spec without reference tables."""
    if spec.reference is None:
        raise ValueError("only a file made with --reference has tables that go with it")
    folder.mkdir(parents=True, exist_ok=True)
    for table in spec.reference.values():
        (folder / f"{table.name}.csv").write_bytes(content_of(table))
    if spec.layout == "public":
        GeneratedExtract(spec).write(folder / "identities.csv")
        for table in (special_education(spec), losfa_fafsa(spec)):
            (folder / f"{table.name}.csv").write_bytes(content_of(table))


def people(spec: Spec) -> Iterator[Person]:
    writer = Writer(spec)
    return map(writer.person, range(spec.students))


def special_education(spec: Spec) -> ReferenceTable:
    """Who is assessed on LAA1: every student on the pathway L1 (R-152), and one who is under Act 833."""
    rows = [
        {
            "source": INVENTED,
            "state_identification_number": one.state_id,
            "bssy": str(spec.bssy),
            "laa1": "Y" if one.pathway == "L1" else "N",
            "act_833": "N" if one.pathway == "L1" else "Y",
        }
        for one in people(spec)
        if one.pathway == "L1" or one.number % 50 == 0
    ]
    return table_of("special_education", spec.bssy, rows)


def losfa_fafsa(spec: Spec) -> ReferenceTable:
    """For whom LOSFA holds a FAFSA value: the graduates whose record has none."""
    rows = [
        {
            "source": INVENTED,
            "state_identification_number": one.state_id,
            "bssy": str(spec.bssy),
            "fafsa_application_flag": "1",
        }
        for one in people(spec)
        if is_held_by_losfa(one)
    ]
    return table_of("losfa_fafsa", spec.bssy, rows)
