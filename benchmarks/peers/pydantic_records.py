"""One pydantic model a record type, made from the layout: what a developer would write first.

With `checks` each model has the rules over its record's fields too, as one validator. Its work is done by our own
compilation of them, which takes no longer than validators written by hand would.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    create_model,
    model_validator,
)

from schemas.layout import Field, Layout, RecordLayout
from schemas.rules import Check


class Record(BaseModel):
    """A record's fields as text, without trailing blanks; a blank field is left out."""

    model_config = ConfigDict(extra="forbid")


class CheckedRecord(Record):
    """A record whose line, the validation's context, breaks no rule."""

    @model_validator(mode="after")
    def keeps_the_rules(self, info: ValidationInfo) -> Self:
        """Refuse a line that breaks rules."""
        line, check = info.context or (b"", None)
        if check and (broken := check(line)):
            raise ValueError(f"rules {list(broken)}")
        return self


Models = Mapping[str, tuple[RecordLayout, type[Record]]]


def models(layout: Layout, base: type[Record] = Record) -> Models:
    """A model for each record type of a layout."""
    return {code: (record, model_of(record, base)) for code, record in layout.records.items()}


def model_of(record: RecordLayout, base: type[Record]) -> type[Record]:
    """A model with each field's own constraints."""
    fields: dict[str, Any] = {
        field.name: (type_of(field), ... if field.required == "required" else "")
        for field in record.fields
        if not field.is_filler
    }
    return create_model(f"Record{record.code}", __base__=base, **fields)


def type_of(field: Field) -> Any:
    """The field's type: one of its listed values, digits, or text of its width."""
    if field.values:
        return Literal[tuple(value.rstrip() for value in field.values)]
    if field.kind == "N":
        return Annotated[str, StringConstraints(pattern=r"^[0-9]*$", max_length=field.length)]
    return Annotated[str, StringConstraints(max_length=field.length)]


def validate(file: Path, by_code: Models, checks: Mapping[str, Check] | None = None) -> None:
    """Validate every line of a file; keep what is wrong by line, as a report would."""
    checks = checks or {}
    problems: list[tuple[int, list[Any]]] = []
    with file.open("rb") as lines:
        for number, ended in enumerate(lines, 1):
            line, code = ended.rstrip(b"\r\n"), ended[3:6].decode("latin-1")
            if code not in by_code:
                continue
            record, model = by_code[code]
            try:
                model.model_validate(record.cut(line), context=(line, checks.get(code)))
            except ValidationError as error:
                problems.append((number, error.errors(include_url=False)))
    assert problems
