"""Files that broke other readers, and real reports: each ends in text or a coded error, within its bounds.

They lie beside the project, in the folder that APPLIANCE_TEST_DATA names (`../shared` unless it is set). Without text
recognition here: that is most of the time and is tested on its own.
"""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from appliance.core.errors import ApplianceError
from appliance.engines.reading.parser import SandboxedParser
from appliance.ports.parser import SECTION_BREAK, ParsedDocument

DATA = Path(os.environ.get("APPLIANCE_TEST_DATA", "../shared")) / "data"
FILES = sorted([*DATA.glob("badfiles/*"), *DATA.glob("pdfs/*.pdf")])
MOST_KEPT_BYTES = 128 << 20  # by the process that asks; a reader's own bound is `memory_bytes`

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FILES, reason=f"no reference files: looked for {DATA.absolute()}/badfiles and pdfs"),
]


def _check(document: ParsedDocument) -> None:
    """Hold a document to the port's promises."""
    start = 0
    for section in document.sections:
        assert section.start == start
        assert section.text.strip()
        assert section.page is None or 1 <= section.page <= (document.pages or 0)
        start += len(section.text) + len(SECTION_BREAK)
        for line in section.lines:
            assert 0 <= line.start < line.end <= len(section.text)
            assert 0 <= line.left <= line.right <= 1
            assert 0 <= line.top <= line.bottom <= 1


async def test_every_file_ends_in_text_or_a_coded_error() -> None:
    outcomes: Counter[str] = Counter()
    slowest: dict[str, float] = {}
    async with SandboxedParser(tesseract=None, seconds=60, memory_bytes=800 << 20) as parser:
        await parser.check()
        host = parser.host_process
        process = psutil.Process()
        before = highest = process.memory_info().rss
        gate = asyncio.Semaphore(2)

        async def read(path: Path) -> None:
            nonlocal highest
            async with gate:
                started = time.monotonic()
                try:
                    document = await parser.parse(path, filename=path.name)
                except ApplianceError as error:
                    outcomes[error.code] += 1
                else:
                    outcomes["text"] += 1
                    _check(document)
                    highest = max(highest, process.memory_info().rss)
                slowest[path.name] = time.monotonic() - started

        await asyncio.gather(*(read(path) for path in FILES))
        assert parser.host_process == host, "a file ended the host of all readers"
    print(dict(outcomes), (highest - before) >> 20, "MiB", sorted(slowest.items(), key=lambda one: -one[1])[:5])
    assert max(slowest.values()) < 60
    assert outcomes.keys() <= {
        *(
            "text",
            "no_text",
            "no_text_found",
            "damaged_file",
            "password_needed",
            "encrypted_office_file",
            "unsafe_archive",
        ),
    }
    assert outcomes["text"] >= 0.65 * len(FILES)
    assert outcomes["damaged_file"] <= 0.03 * len(FILES)
    assert highest - before < MOST_KEPT_BYTES


async def test_every_first_page_has_a_picture_or_a_reason() -> None:
    pictures = 0
    sample = [path for path in FILES if path.suffix == ".pdf"][::6]
    async with SandboxedParser(tesseract=None, memory_bytes=800 << 20) as parser:
        for path in sample:
            try:
                picture = await parser.render_page(path, filename=path.name, page=1)
            except ApplianceError:
                continue
            assert picture.startswith(b"\x89PNG")
            pictures += 1
    assert pictures >= 0.9 * len(sample)


@pytest.mark.parametrize(
    "name, page, row",
    [
        ("AMAZON_2017_10K.pdf", 38, "Total net sales\t107,006\t135,987\t177,866"),
        ("AMAZON_2017_10K.pdf", 38, "Net income\t$ 596\t$ 2,371\t$ 3,033"),
        ("JOHNSON_JOHNSON_2022Q4_EARNINGS.pdf", 3, "Worldwide\t$94,943\t$93,775\t1.3%\t6.1\t(4.8)\t6.2"),
    ],
)
async def test_rows_of_real_statements_are_lines(name: str, page: int, row: str) -> None:
    path = DATA / "pdfs" / name
    if not path.exists():
        pytest.skip(f"no {path.absolute()}")
    async with SandboxedParser(tesseract=None) as parser:
        document = await parser.parse(path, filename=name)
    text = next(section.text for section in document.sections if section.page == page)
    assert row in text.split("\n")
