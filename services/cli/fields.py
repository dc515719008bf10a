"""`FIELD=VALUE` arguments: the layout's own names, an unknown one refused with those that come nearest."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from schemas.layout import RecordLayout
from schemas.louisiana_sts.records import SET_KEYS, STUDENT, TYPE_KEYS, Fields
from services.cli.errors import CommandRefused

KINDS = {"student": "020", "course": "030", "credential": "050"}


def read_assignments(pairs: Sequence[str], record: RecordLayout) -> Fields:
    """Return the fields and their new values. Raises CommandRefused."""
    fields: Fields = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise CommandRefused(f"{pair!r} is no assignment: write FIELD=VALUE, or FIELD= to blank a field.")
        if name in fields:
            raise CommandRefused(f"{name} is given twice: give it once.")
        fields[name] = value.rstrip(" ")
    if unknown := sorted(fields.keys() - set(editable(record))):
        raise CommandRefused(" ".join(explain_unknown(name, record) for name in unknown))
    return fields


def editable(record: RecordLayout) -> list[str]:
    """The names that stand in a stored record: no fillers, and of the keys only those that a 020 holds."""
    keys = TYPE_KEYS if record.code == STUDENT else SET_KEYS
    return [field.name for field in record.fields if not field.is_filler and field.name not in keys]


def explain_unknown(name: str, record: RecordLayout) -> str:
    """Say which names come nearest to one that the record does not have."""
    names = editable(record)
    if name in record.by_name:
        return f"{name} cannot be edited: it says which set the record belongs to, or is filler."
    near = get_close_matches(name, names, n=3, cutoff=0.5) or [each for each in names if name and name in each][:3]
    hint = f"the nearest names are {listed(near)}" if near else f"its fields are {listed(names)}"
    return f"record {record.code} has no field {name!r}; {hint}."


def listed(names: Iterable[str]) -> str:
    """Names in one phrase."""
    return ", ".join(names)
