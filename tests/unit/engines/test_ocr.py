"""Text in pictures, where Tesseract is installed; without it, the reason and the hint."""

import asyncio
import io
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pypdf
import pytest
import pytest_asyncio
from PIL import Image

from appliance.core.text import said
from appliance.engines.reading.errors import NoText, NoTextFound, ReaderRestarted
from appliance.engines.reading.ocr_languages import choose_languages
from appliance.engines.reading.parser import SandboxedParser
from tests import made_files as made

pytestmark = pytest.mark.asyncio(loop_scope="module")
needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None,
    reason="tesseract is not installed here: apt install tesseract-ocr tesseract-ocr-fra",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[SandboxedParser]:
    async with SandboxedParser() as opened:
        yield opened


def _turned(content: bytes, degrees: int) -> bytes:
    return made.picture_bytes(Image.open(io.BytesIO(content)).rotate(degrees, expand=True, fillcolor="white"))


@needs_tesseract
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
async def test_pictures_of_every_kind_are_read(parser: SandboxedParser, tmp_path: Path, form: str) -> None:
    path = tmp_path / "blob"
    path.write_bytes(made.picture_of_text("Facture numéro 2024", "Total 1250 euros", form=form))
    document = await parser.parse(path, filename=f"a.{form.lower()}")
    assert document.ocr
    assert (document.pages, document.sections[0].page) == (1, 1)
    assert "Facture" in document.sections[0].text
    assert "1250" in document.sections[0].text
    line = document.sections[0].lines[0]
    assert document.sections[0].text[line.start : line.end].startswith("Facture")
    assert 0 < line.left < line.right < 1
    assert await parser.render_page(path, filename="a", page=1, marks=[line])


@needs_tesseract
async def test_only_the_scanned_page_of_a_document_is_recognised(parser: SandboxedParser, tmp_path: Path) -> None:
    writer = pypdf.PdfWriter()
    writer.append(io.BytesIO(made.pdf([[(72, 700, "A page of real text, written and not scanned.")]])))
    writer.append(io.BytesIO(made.scanned_pdf(made.picture_of_text("Contrat de bail", "Article cinq"))))
    path = tmp_path / "mixed.pdf"
    writer.write(path)
    document = await parser.parse(path, filename="mixed.pdf")
    assert document.ocr
    assert document.unread_pages == ()
    assert [section.page for section in document.sections] == [1, 2]
    assert document.sections[0].text == "A page of real text, written and not scanned."
    assert "Contrat de bail" in document.sections[1].text
    assert document.sections[1].start == len(document.sections[0].text) + 2


@needs_tesseract
async def test_a_page_scanned_on_its_side_is_read(parser: SandboxedParser, tmp_path: Path) -> None:
    lines = (
        "The quick brown fox jumps over it",
        "and then the lazy dog sleeps again",
        "until the morning comes at last",
    )
    path = tmp_path / "blob"
    path.write_bytes(_turned(made.picture_of_text(*lines, *lines), 90))
    text = (await parser.parse(path, filename="a.png")).sections[0].text
    assert "quick brown fox" in text


@needs_tesseract
async def test_frames_of_a_tiff_are_pages(parser: SandboxedParser, tmp_path: Path) -> None:
    frames = [Image.open(io.BytesIO(made.picture_of_text(f"Page {word}"))) for word in ("alpha", "beta")]
    path = tmp_path / "fax.tiff"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    document = await parser.parse(path, filename="fax.tiff")
    assert document.pages == 2
    assert [section.page for section in document.sections] == [1, 2]
    assert "beta" in document.sections[1].text


@needs_tesseract
async def test_a_long_scan_lets_other_files_come_in_between(tmp_path: Path) -> None:
    scan, note = tmp_path / "scan.pdf", tmp_path / "note.txt"
    scan.write_bytes(made.scanned_pdf(*[made.picture_of_text(f"Page numero {number}") for number in range(24)]))
    note.write_text("a short note", encoding="utf-8")
    async with SandboxedParser(places=1) as single:
        long = asyncio.create_task(single.parse(scan, filename="scan.pdf"))
        while single.places_taken == 0:
            await asyncio.sleep(0.01)
        assert (await single.parse(note, filename="note.txt")).sections[0].text == "a short note"
        assert not long.done()
        long.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long


@needs_tesseract
async def test_when_the_host_of_readers_dies_the_error_is_one_to_retry(tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(made.scanned_pdf(*[made.picture_of_text(f"Page numero {number}") for number in range(12)]))
    async with SandboxedParser() as opened:
        await opened.check()
        reading = asyncio.create_task(opened.parse(scan, filename="scan.pdf"))
        while opened.places_taken < 2:  # text is read in one place, pictures in both
            await asyncio.sleep(0.01)
        assert opened.host_process is not None
        os.kill(opened.host_process, signal.SIGKILL)
        with pytest.raises(ReaderRestarted) as raised:
            await reading
        assert raised.value.retry_after_seconds
        assert (await opened.parse(scan, filename="scan.pdf")).pages == 12


@needs_tesseract
async def test_a_picture_without_words_says_so(parser: SandboxedParser, tmp_path: Path) -> None:
    path = tmp_path / "blank.png"
    Image.new("RGB", (800, 600), "white").save(path)
    with pytest.raises(NoTextFound):
        await parser.parse(path, filename="blank.png")


async def test_without_tesseract_pages_of_pictures_are_named(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter()
    writer.append(io.BytesIO(made.pdf([[(72, 700, "A page of real text, written and not scanned.")]])))
    writer.append(io.BytesIO(made.scanned_pdf(made.picture_of_text("Contrat de bail"))))
    path = tmp_path / "mixed.pdf"
    writer.write(path)
    async with SandboxedParser(tesseract=None) as bare:
        document = await bare.parse(path, filename="mixed.pdf")
        assert (document.ocr, document.unread_pages) == (False, (2,))
        path.write_bytes(made.picture_of_text("only a picture"))
        with pytest.raises(NoText) as raised:
            await bare.parse(path, filename="scan.png")
        assert "tesseract-ocr-fra" in raised.value.to_problem("fr").hint
        assert "pictures are not read" in said((await bare.check()).detail, "en")


@pytest.mark.parametrize(
    "installed, chosen",
    [
        (["eng", "fra", "osd"], "fra+eng"),
        (["eng", "osd"], "eng"),
        (["osd", "deu", "ita"], "deu"),
        (["osd"], ""),
        ([], ""),
    ],
)
async def test_languages(installed: list[str], chosen: str) -> None:
    assert choose_languages(installed) == chosen
