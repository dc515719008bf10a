"""Record layouts as data: read from TOML, proven to tile, and named by the hash of what they say.

A layout file holds one `[[record]]` per record type with its `[[record.field]]` rows. Positions are 1-based and
inclusive and leave out the line end. Loading fails unless the fields of each record cover it from 1 to
`total_length` without gap or overlap and are as many as `field_count` says.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

Kind = Literal["A", "N"]
Variant = Literal["public", "nonpublic"]
Required = Literal["required", "optional", "conditional", "blank"]


class LayoutError(ValueError):
    """A layout file contradicts itself: our own fault, found when it is loaded."""


class DoesNotFit(ValueError):
    """A value cannot stand in its field: too long, not Latin-1, or not one line."""

    def __init__(self, field: "Field", reason: str) -> None:
        super().__init__(f"{field.name} {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `start` is 1-based, `length` in bytes, `decimals` implied ones (050 with two is 0.50)."""

    name: str
    label: str
    start: int
    length: int
    kind: Kind
    decimals: int
    required: Required
    values: tuple[str, ...] = ()
    value_labels: Mapping[str, str] | None = None
    zero_filled: bool = False

    @property
    def end(self) -> int:
        """Last column, inclusive."""
        return self.start + self.length - 1

    @property
    def columns(self) -> tuple[int, int]:
        return self.start, self.end

    @property
    def span(self) -> slice:
        """Where the field stands in a line of bytes."""
        return slice(self.start - 1, self.start - 1 + self.length)

    @property
    def is_filler(self) -> bool:
        return self.required == "blank"

    @property
    def is_number(self) -> bool:
        """A numeric field, or one with implied decimals: compared as an integer of its smallest unit."""
        return self.kind == "N" or self.decimals > 0

    def encode(self, value: str) -> bytes:
        """The value padded to the field: numbers right-justified and zero-filled, all else left-justified.

        Raises DoesNotFit.
        """
        try:
            raw = value.rstrip(" ").encode("latin-1")
        except UnicodeEncodeError:
            raise DoesNotFit(self, "holds a character outside Latin-1") from None
        if len(raw) > self.length:
            raise DoesNotFit(self, f"has {len(raw)} characters and the field takes {self.length}")
        if any(byte in raw for byte in b"\n\r\0"):
            raise DoesNotFit(self, "holds a line end or a NUL")
        if self.zero_filled and raw.isdigit():
            return raw.rjust(self.length, b"0")
        return raw.ljust(self.length)


@dataclass(frozen=True)
class RecordLayout:
    """One record type: fields in order of position, tiling `length` bytes."""

    code: str
    name: str
    length: int
    fields: tuple[Field, ...]

    @cached_property
    def by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    @cached_property
    def _cuts(self) -> tuple[tuple[str, slice], ...]:
        return tuple((field.name, field.span) for field in self.fields if not field.is_filler)

    def __getitem__(self, name: str) -> Field:
        return self.by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def cut(self, line: bytes) -> dict[str, str]:
        """The line's fields by name, as Latin-1 text without trailing blanks; blank fields and fillers are left out.

        A line shorter than the record is read as if blanks followed.
        """
        text = line.decode("latin-1")
        fields: dict[str, str] = {}
        for name, span in self._cuts:
            value = text[span].rstrip(" ")
            if value:
                fields[name] = value
        return fields

    def render(self, fields: Mapping[str, str]) -> bytes:
        """One line of exactly `length` bytes, without line end; the inverse of `cut`.

        Raises DoesNotFit for a value that its field cannot hold, KeyError for a name that is not in the record.
        """
        unknown = fields.keys() - self.by_name.keys()
        if unknown:
            raise KeyError(f"record {self.code} has no field {', '.join(sorted(unknown))}")
        return b"".join(field.encode(fields.get(field.name, "")) for field in self.fields)


@dataclass(frozen=True)
class Layout:
    """All record types of one variant; `digest` is the SHA-256 of the parsed content, whitespace and comments aside."""

    variant: str
    records: Mapping[str, RecordLayout]
    digest: str

    def __getitem__(self, code: str) -> RecordLayout:
        return self.records[code]


@cache
def load_layout(variant: Variant, system: str = "louisiana_sts") -> Layout:
    """The layout of one sector of one state system, proven to tile. Raises LayoutError."""
    return read_layout(Path(__file__).parent / system / f"layout_{variant}.toml", variant)


def read_layout(path: Path, variant: str) -> Layout:
    """Read and prove one layout file. Raises LayoutError if it does not tile."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        records = {row["code"]: read_record(row) for row in content["record"]}
    except (KeyError, TypeError) as missing:
        raise LayoutError(f"{path.name}: {missing} is missing or of the wrong type") from missing
    return Layout(variant, records, content_digest(content))


def read_record(row: Mapping[str, Any]) -> RecordLayout:
    """One `[[record]]` table as a RecordLayout. Raises LayoutError if it does not tile."""
    fields = tuple(read_field(field) for field in row["field"])
    if len(fields) != row["field_count"]:
        raise LayoutError(f"record {row['code']}: field_count is {row['field_count']}, but {len(fields)} fields follow")
    for field, stated in zip(fields, row["field"], strict=True):
        if field.end != stated["end"]:
            raise LayoutError(f"record {row['code']}: {field.name} ends at {field.end}, not at {stated['end']}")
    prove_tiling(row["code"], fields, row["total_length"])
    return RecordLayout(row["code"], row["name"], row["total_length"], fields)


def read_field(row: Mapping[str, Any]) -> Field:
    if row["type"] not in ("A", "N"):
        raise LayoutError(f"{row['name']}: type {row['type']!r} is neither A nor N")
    return Field(
        name=row["name"],
        label=row["label"],
        start=row["start"],
        length=row["length"],
        kind=row["type"],
        decimals=row["decimals"],
        required=row["required"],
        values=tuple(row.get("values", ())),
        value_labels=row.get("value_labels"),
        zero_filled=row["pad"].startswith("right-justified"),
    )


def prove_tiling(code: str, fields: tuple[Field, ...], length: int) -> None:
    """Raise LayoutError unless the fields cover columns 1 to `length` once each, in order, under distinct names."""
    position = 1
    names: set[str] = set()
    for field in fields:
        if field.start != position:
            fault = "gap before" if field.start > position else "overlap at"
            raise LayoutError(f"record {code}: {fault} {field.name}: it starts at {field.start}, expected {position}")
        if field.length < 1:
            raise LayoutError(f"record {code}: {field.name} has length {field.length}")
        if field.name in names:
            raise LayoutError(f"record {code}: two fields are named {field.name}")
        names.add(field.name)
        position = field.end + 1
    if position != length + 1:
        raise LayoutError(f"record {code}: the fields end at {position - 1}, the record at {length}")


def content_digest(content: object) -> str:
    """SHA-256 (hex) of a parsed data file in canonical JSON: same content, same digest, however it is laid out."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
