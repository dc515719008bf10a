"""What fuzzing starts from: small inputs of each kind that reach most of the code."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from schemas.louisiana_sts.reference_csv import NAMES, table_file
from tests.unit.schemas.builder import VARIANTS, base_file

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures" / "louisiana_sts"
EXAMPLES = {
    "[0-9]{10}": "7700000001",
    "[0-9]{6}": "990101",
    "[0-9]{3}": "100",
    "[0-9]{2}": "01",
    "(19|20)[0-9]{2}": "2020",
    "[0-9A-Z]{6}": "017001",
    "[0-9A-Z]{3}": "017",
    "[0-9A-Z]{1,3}": "901",
    "[0-9A-Z]{1,6}": "1",
    "[0-9A-Z]": "1",
    "[A-Z0-9]{2,3}": "TU",
    "([A-Z][0-9]{2}|CDV)": "A01",
}
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def seeds(target: str) -> list[bytes]:
    """The inputs of one harness, former findings included."""
    made = {"batch": batches, "columnar": with_tables, "zip": zips, "table": tables}[target]()
    return [*made, *(path.read_bytes() for path in sorted(HERE.glob(f"findings/{target}_*")))]


def batches() -> Iterator[bytes]:
    for index, variant in enumerate(VARIANTS, 1):
        yield bytes([index]) + base_file(variant)
        yield b"\0" + base_file(variant, "020", {"graduation_date": "05152026", "met_gee_eoc_flag": "Y"})
    for path in sorted(FIXTURES.glob("*.txt")):
        yield b"\0" + path.read_bytes()
    yield b"\0\xef\xbb\xbf" + base_file("public").replace(b"\r\n", b"\n") + b"\n\x1a"
    yield b"\0" + base_file("nonpublic")[:-40]


def with_tables() -> Iterator[bytes]:
    """The batch files, without and with tables."""
    for seed in batches():
        yield seed
        yield bytes([seed[0] | 0x80]) + seed[1:]


def zips() -> Iterator[bytes]:
    """Good and bad archives of each packing."""
    data = base_file("public")
    for packing in PACKINGS:
        yield archive({"a.txt": data}, packing)
    yield archive({"a.txt": data, "b.txt": data})
    yield archive({"folder/": b"", "folder/a.txt": data})
    yield archive({"a.zip": archive({"a.txt": data})})
    yield archive({"a.txt": b"\0" * (2 << 20)}, zipfile.ZIP_DEFLATED)
    yield archive({})
    yield archive({"a.txt": data})[:-30]
    yield b"PK\x03\x04" + data
    yield data


def archive(members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as whole:
        for name, content in members.items():
            whole.writestr(zipfile.ZipInfo(name), content, packing)
    return file.getvalue()


def tables() -> Iterator[bytes]:
    """A sound row of each table, and one with a quotation mark and an accent."""
    for index, name in enumerate(NAMES):
        fields = table_file(name).schema["fields"]
        row = [example(field) for field in fields]
        text = "\n".join((",".join(field["name"] for field in fields), ",".join(row), ""))
        yield bytes([index]) + text.encode()
        yield (
            bytes([index]) + b"\xef\xbb\xbf" + text.replace("\n", "\r\n").replace("an export", '"\xe9, ""x"""').encode()
        )


def example(field: dict[str, object]) -> str:
    """A value that the column takes."""
    constraints = field.get("constraints")
    rules: dict[str, object] = constraints if isinstance(constraints, dict) else {}
    if isinstance(values := rules.get("enum"), list):
        return str(values[0])
    return EXAMPLES.get(str(rules.get("pattern", "")), "" if not rules.get("required") else "an export")
