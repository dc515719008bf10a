"""Files and folders that outlast a power cut: a new name is safe only when its folder was flushed too (fsync(2))."""

import os
from pathlib import Path


def write_new_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file that must not exist yet and flush it; `sync_folder` then makes its name safe. Raises OSError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def make_folder(path: Path) -> None:
    """Make the folder and the missing ones above it, each flushed. Raises OSError."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Flush the names in a folder: those of new, renamed and deleted files. Raises OSError."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
