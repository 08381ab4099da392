"""The Parser: reads files of every kind in confined child processes, and pictures their pages.

A document that holds pictures of pages is read in two steps: what is text first, then the pictures, a few pages at a
time, so that a long scan takes turns with other people's files and one bad page costs only itself.
"""

import asyncio
import shutil
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Self

import msgspec
import structlog

from appliance.core.errors import ApplianceError
from appliance.core.health import Health
from appliance.core.text import Text
from appliance.engines.reading.errors import (
    DamagedFile,
    NoText,
    NoTextFound,
    ParserCrashed,
    ParsingOutOfMemory,
    ParsingTimedOut,
    ReaderRestarted,
)
from appliance.engines.reading.ocr_languages import choose_languages
from appliance.engines.reading.protocol import (
    OcrArguments,
    OcrPage,
    ParseArguments,
    ProbeAnswer,
    ProbeArguments,
    ReadingHeader,
    RenderArguments,
    frames,
)
from appliance.engines.reading.source import Limits
from appliance.engines.sandbox.host import (
    Sandbox,
    SandboxError,
    SandboxLost,
    TaskCrashed,
    TaskOutOfMemory,
    TaskTimedOut,
)
from appliance.ports.parser import SECTION_BREAK, Line, ParsedDocument, Section

log = structlog.get_logger(__name__)

_NO_OCR = Text("pictures are not read", "images non lues")
_RENDER_SECONDS, _PROBE_SECONDS = 30.0, 20.0
_OCR_BATCH = 4  # pages
_encode = msgspec.msgpack.Encoder().encode


class SandboxedParser:
    """Implements the Parser port."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        seconds: float = 300.0,
        memory_bytes: int = 1536 << 20,
        ocr_page_seconds: float = 60.0,
        places: int = 2,
        tesseract: str | None = "tesseract",
    ) -> None:
        """Limits are of one file: `seconds` for its text, `ocr_page_seconds` for each picture of a page.

        `places`: how many files are read at a time. `tesseract`: the program's name or path, None for no OCR.
        """
        self._limits = limits or Limits()
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._ocr_page_seconds = ocr_page_seconds
        self._places = places
        found = shutil.which(tesseract) if tesseract else None
        self._tesseract = str(Path(found).resolve()) if found else ""
        self._probed: ProbeAnswer | None = None
        self._sandbox = Sandbox(
            "appliance.engines.reading.tasks",
            memory_bytes=memory_bytes,
            lanes={"batch": places, "interactive": 2},
            executables=(self._tesseract,) if self._tesseract else (),
        )

    @property
    def host_process(self) -> int | None:
        """The process id of the readers' host, while there is one: for tests and `doctor`."""
        return self._sandbox.host_process

    @property
    def places_taken(self) -> int:
        """How many files are being read at this moment."""
        return self._sandbox.running("batch")

    async def parse(self, path: Path, *, filename: str, password: str | None = None) -> ParsedDocument:
        """Read a file. Raises the errors of `errors.py`: each says why and what to do."""
        arguments = ParseArguments(filename=filename, limits=self._limits, password=password)
        data = await self._run("parse", _encode(arguments), path, filename, self._seconds)
        header, sections = await asyncio.to_thread(_decode_reading, data)
        del data
        answers = await self._read_pictures(path, filename, password, header.unread)
        read = [answer.section for answer in answers if answer.section is not None]
        sections = _merge(sections, read)
        if not sections:
            raise self._explain_silence(filename, answers, header.unread)
        return ParsedDocument(
            media_type=header.media_type,
            title=header.title,
            pages=header.pages,
            sections=await asyncio.to_thread(_place, sections),
            ocr=bool(read),
            unread_pages=tuple(answer.page for answer in answers if answer.failed) if answers else tuple(header.unread),
        )

    async def render_page(
        self, path: Path, *, filename: str, page: int, marks: Sequence[Line] = (), password: str | None = None
    ) -> bytes:
        """Picture one page (from 1) as PNG, `marks` highlighted. Raises NotFound where there is no such page."""
        arguments = RenderArguments(
            filename=filename, limits=self._limits, page=page, marks=tuple(marks), password=password
        )
        return await self._run("render", _encode(arguments), path, filename, _RENDER_SECONDS, lane="interactive")

    async def check(self) -> Health:
        """Say whether files can be read, what confines their readers, and which languages are read in pictures."""
        started = perf_counter()
        try:
            probed = await self._probe()
        except (SandboxError, OSError) as error:
            return Health("sandbox", ok=False, detail=type(error).__name__)
        languages = choose_languages(probed.languages) if probed.languages else ""
        reads = Text(f"pictures read in {languages}", f"images lues en {languages}") if languages else _NO_OCR
        elapsed = round((perf_counter() - started) * 1000, 2)
        return Health(
            "sandbox",
            ok=True,
            detail=Text(f"{reads.en}; {probed.confinement}", f"{reads.fr} ; {probed.confinement}"),
            latency_ms=elapsed,
        )

    async def __aenter__(self) -> Self:
        """Child processes start with the first file."""
        await self._sandbox.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """End every child."""
        await self._sandbox.__aexit__(*exception)

    async def _probe(self) -> ProbeAnswer:
        """Look once: what the kernel offers does not change while we run."""
        if self._probed is None:
            arguments = _encode(ProbeArguments(self._tesseract))
            answer = await self._sandbox.run("probe", arguments, seconds=_PROBE_SECONDS, lane="interactive")
            self._probed = msgspec.msgpack.decode(answer, type=ProbeAnswer)
        return self._probed

    async def _read_pictures(self, path: Path, filename: str, password: str | None, pages: list[int]) -> list[OcrPage]:
        """Read the text in the pictures of some pages; nothing where there is no OCR."""
        if not pages or not self._tesseract:
            return []
        try:
            languages = choose_languages((await self._probe()).languages)
        except SandboxError as error:
            raise self._explain(error, filename, _PROBE_SECONDS) from error
        if not languages:
            return []
        turns = asyncio.Semaphore(self._places)  # no more than these wait for a place: other files come in between

        async def read(batch: list[int]) -> list[OcrPage]:
            arguments = OcrArguments(
                filename=filename,
                limits=self._limits,
                pages=batch,
                executable=self._tesseract,
                languages=languages,
                page_seconds=self._ocr_page_seconds,
                password=password,
            )
            async with turns:
                return await self._read_batch(path, arguments)

        batches = [pages[start : start + _OCR_BATCH] for start in range(0, len(pages), _OCR_BATCH)]
        return [answer for answers in await _gather([read(batch) for batch in batches]) for answer in answers]

    async def _read_batch(self, path: Path, arguments: OcrArguments) -> list[OcrPage]:
        try:
            seconds = self._ocr_page_seconds * len(arguments.pages) + 5
            data = await self._run("ocr", _encode(arguments), path, arguments.filename, seconds)
        except ParsingTimedOut:
            return [OcrPage(page=page, failed="late") for page in arguments.pages]
        except (ParsingOutOfMemory, ParserCrashed):
            return [OcrPage(page=page, failed="damaged") for page in arguments.pages]
        return [msgspec.msgpack.decode(one, type=OcrPage) for one in frames(data)]

    def _explain_silence(self, filename: str, answers: list[OcrPage], unread: list[int]) -> ApplianceError:
        """Say why there is no text: no OCR here, pictures that cannot be read, or really none."""
        if unread and not answers:
            return NoText(filename=filename)
        if any(answer.failed == "late" for answer in answers):
            return ParsingTimedOut(filename=filename, seconds=round(self._ocr_page_seconds))
        if answers and all(answer.failed for answer in answers):
            return DamagedFile(filename=filename)
        return NoTextFound(filename=filename)

    async def _run(
        self, task: str, arguments: bytes, path: Path, filename: str, seconds: float, *, lane: str = "batch"
    ) -> bytes:
        try:
            return await self._sandbox.run(task, arguments, seconds=seconds, lane=lane, file=path)
        except SandboxError as error:
            log.warning("file_reader_ended", task=task, kind=type(error).__name__, cause=str(error))
            raise self._explain(error, filename, seconds) from error

    def _explain(self, error: SandboxError, filename: str, seconds: float) -> ApplianceError:
        match error:
            case TaskTimedOut():
                return ParsingTimedOut(filename=filename, seconds=round(seconds, 1))
            case TaskOutOfMemory():
                return ParsingOutOfMemory(filename=filename, megabytes=self._memory_bytes >> 20)
            case TaskCrashed():
                return ParserCrashed(filename=filename, cause=str(error))
            case SandboxLost() | _:
                return ReaderRestarted(filename=filename, engine="sandbox", retry_after_seconds=1)


async def _gather(works: list[Coroutine[None, None, list[OcrPage]]]) -> list[list[OcrPage]]:
    """Wait for all; the first that fails ends the others and is raised as it is, not in a group."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _decode_reading(data: bytes) -> tuple[ReadingHeader, list[Section]]:
    """Decode frame by frame: one call per section lets the event loop breathe between them."""
    decode_section = msgspec.msgpack.Decoder(Section).decode
    sections: list[Section] = []
    last: memoryview | None = None
    for one in frames(data):
        if last is not None:
            sections.append(decode_section(last))
        last = one
    return msgspec.msgpack.decode(last or b"", type=ReadingHeader), sections


def _merge(sections: list[Section], read: list[Section]) -> list[Section]:
    """Put pages read by OCR in their places, instead of what little text they had."""
    replaced = {section.page for section in read}
    kept = [section for section in sections if section.page not in replaced]
    return sorted([*kept, *read], key=lambda section: section.page or 0)


def _place(sections: list[Section]) -> tuple[Section, ...]:
    return tuple(_placed(sections))


def _placed(sections: list[Section]) -> Iterator[Section]:
    """Count where each section starts in the document's text."""
    start = 0
    for section in sections:
        yield msgspec.structs.replace(section, start=start)
        start += len(section.text) + len(SECTION_BREAK)
