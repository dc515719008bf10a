"""The README's picture of an official transcript: `python -m tests.support.transcript_image` draws it anew."""

from pathlib import Path

from services.ots.document import page_images
from tests.support.transcripts import official

IMAGE = Path(__file__).parents[2] / "docs" / "images" / "official-transcript.png"


def drawn() -> bytes:
    """The one page of the invented graduate's transcript, as PNG."""
    [page] = page_images(official(), ppi=110)
    return page


if __name__ == "__main__":
    IMAGE.parent.mkdir(exist_ok=True)
    IMAGE.write_bytes(drawn())
