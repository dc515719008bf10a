"""One pydantic model a record type, made from the layout: what a developer would write first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, create_model

from schemas.layout import Field, Layout, RecordLayout


class Record(BaseModel):
    """A record's fields as text, without trailing blanks; a blank field is left out."""

    model_config = ConfigDict(extra="forbid")


Models = Mapping[str, tuple[RecordLayout, type[Record]]]


def models(layout: Layout) -> Models:
    """A model for each record type of a layout."""
    return {code: (record, model_of(record)) for code, record in layout.records.items()}


def model_of(record: RecordLayout) -> type[Record]:
    """A model with each field's own constraints."""
    fields: dict[str, Any] = {
        field.name: (type_of(field), ... if field.required == "required" else "")
        for field in record.fields
        if not field.is_filler
    }
    return create_model(f"Record{record.code}", __base__=Record, **fields)


def type_of(field: Field) -> Any:
    """The field's type: one of its listed values, digits, or text of its width."""
    if field.values:
        return Literal[tuple(value.rstrip() for value in field.values)]
    if field.kind == "N":
        return Annotated[str, StringConstraints(pattern=r"^[0-9]*$", max_length=field.length)]
    return Annotated[str, StringConstraints(max_length=field.length)]


def validate(file: Path, by_code: Models) -> None:
    """Validate every line of a file; keep what is wrong by line, as a report would."""
    problems: list[tuple[int, list[Any]]] = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            found = by_code.get(line[3:6].decode("latin-1"))
            if found is None:
                continue
            record, model = found
            try:
                model.model_validate(record.cut(line.rstrip(b"\r\n")))
            except ValidationError as error:
                problems.append((number, error.errors(include_url=False)))
    assert problems
