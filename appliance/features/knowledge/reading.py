"""Showing what a citation points at: the original, a page's picture with the passage marked, or the text around it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import msgspec

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction
from appliance.core.errors import NotFound
from appliance.core.security import Vault
from appliance.features.audit import AuditService
from appliance.features.files import FilesService
from appliance.features.knowledge.errors import DocumentNotFound, PageNotFound, PassageNotFound
from appliance.features.knowledge.mapping import text_key, to_text_section
from appliance.features.knowledge.repository import ChunkRepository, DocumentRepository
from appliance.features.knowledge.schemas import DocumentText, PassageContext
from appliance.features.knowledge.sentences import Span
from appliance.features.knowledge.tables import DocumentRow
from appliance.ports.parser import SECTION_BREAK, Line, Locator, ParsedDocument, Parser, Section

_CONTEXT_CHARACTERS = 1_500


class Content(msgspec.Struct, frozen=True):
    """A document's bytes on their way out."""

    filename: str
    media_type: str
    size: int
    etag: str
    body: AsyncIterator[bytes]


class PagePicture(msgspec.Struct, frozen=True):
    """A page as PNG; `mark_top`: where the first mark begins, as a fraction of the page's height."""

    png: bytes
    mark_top: float | None


class ReadingService:
    """Hands out contents, to readers only, and writes down each time."""

    def __init__(
        self, database: Database, *, files: FilesService, parser: Parser, audit: AuditService, vault: Vault
    ) -> None:
        """The vault opens the passwords of encrypted files."""
        self._database = database
        self._files = files
        self._parser = parser
        self._audit = audit
        self._vault = vault
        self._documents = DocumentRepository()
        self._chunks = ChunkRepository()

    async def content(self, caller: Caller, document_id: UUID) -> Content:
        """Give the original bytes."""
        row = await self._open(caller, document_id, "document.read")
        return Content(
            filename=row.filename,
            media_type=row.media_type or "application/octet-stream",
            size=row.size,
            etag=f'"{row.sha256}"',
            body=self._files.read(row.sha256),
        )

    async def page(
        self, caller: Caller, document_id: UUID, number: int, *, chunk_id: UUID | None, span: Span | None
    ) -> PagePicture:
        """Picture a page as PNG; mark a passage, or the stretch of it that is quoted."""
        row = await self._open(caller, document_id, "document.page_read", page=number)
        if row.pages is not None and not 1 <= number <= row.pages:
            raise PageNotFound(page=number)
        marks = await self._marks(caller, row, number, chunk_id, span) if chunk_id or span else ()
        password = self._vault.unseal(row.sealed_password) if row.sealed_password else None
        async with self._files.fetch(row.sha256) as path:
            png = await self._parser.render_page(
                path, filename=row.filename, page=number, marks=marks, password=password
            )
        return PagePicture(png, min((mark.top for mark in marks), default=None))

    async def _marks(
        self, caller: Caller, row: DocumentRow, number: int, chunk_id: UUID | None, span: Span | None
    ) -> Sequence[Line]:
        if span is None and chunk_id is not None:
            async with self._database.read() as transaction:
                found = await self._chunks.readable(transaction, caller, [chunk_id])
            if chunk_id not in found or found[chunk_id].document_id != row.id:
                raise PassageNotFound
            span = Span(found[chunk_id].start, found[chunk_id].end)
        if span is None:
            return ()
        parsed = await self._text(row)
        return [
            line
            for section in parsed.sections
            if section.page == number
            for line in lines_within(section, span.start, span.end)
        ]

    async def text(self, caller: Caller, document_id: UUID, *, offset: int, limit: int) -> DocumentText:
        """Give a document's text, some sections at a time."""
        row = await self._open(caller, document_id, "document.text_read")
        parsed = await self._text(row)
        chosen = parsed.sections[offset : offset + limit]
        return DocumentText(
            file_id=row.id,
            sections=[to_text_section(section) for section in chosen],
            total=len(parsed.sections),
            offset=offset,
        )

    async def passage(self, caller: Caller, document_id: UUID, chunk_id: UUID) -> PassageContext:
        """Give a passage with the text around it."""
        caller.require_scope("knowledge")
        async with self._database.read() as transaction:
            found = (await self._chunks.readable(transaction, caller, [chunk_id])).get(chunk_id)
        if found is None or found.document_id != document_id:
            raise PassageNotFound
        row = await self._open(caller, document_id, "document.text_read")
        text = SECTION_BREAK.join(section.text for section in (await self._text(row)).sections)
        return PassageContext(
            file_id=row.id,
            document=row.filename,
            chunk_id=found.id,
            before=text[max(0, found.start - _CONTEXT_CHARACTERS) : found.start],
            text=text[found.start : found.end],
            after=text[found.end : found.end + _CONTEXT_CHARACTERS],
            page=found.page,
            locator=msgspec.convert(found.locator, Locator) if found.locator else None,
            headings=found.headings,
            start=found.start,
            end=found.end,
        )

    async def _text(self, row: DocumentRow) -> ParsedDocument:
        try:
            body = await self._files.read_derived(text_key(row.id))
        except NotFound:
            raise PassageNotFound from None
        return msgspec.json.decode(body, type=ParsedDocument)

    async def _open(self, caller: Caller, document_id: UUID, action: str, **details: Any) -> DocumentRow:
        """Find a document the caller may read, and write down that they do."""
        caller.require_scope("knowledge")
        async with self._database.begin() as transaction:
            row = await self._readable(transaction, caller, document_id)
            await self._audit.record(
                transaction, caller, action, object_kind="document", object_id=document_id, **details
            )
            return row

    async def _readable(self, transaction: Transaction, caller: Caller, document_id: UUID) -> DocumentRow:
        listed = await self._documents.readable(transaction, caller, document_id)
        if listed is None:
            raise DocumentNotFound
        return listed.row


def lines_within(section: Section, start: int, end: int) -> list[Line]:
    """Cut the lines of a section to a stretch of the document's text: where a line is cut, its box is cut in proportion."""
    found: list[Line] = []
    for line in section.lines:
        first, last = section.start + line.start, section.start + line.end
        inside_first, inside_last = max(first, start), min(last, end)
        if inside_first >= inside_last:
            continue
        width, length = line.right - line.left, last - first
        found.append(
            Line(
                start=line.start,
                end=line.end,
                left=line.left + width * (inside_first - first) / length,
                top=line.top,
                right=line.left + width * (inside_last - first) / length,
                bottom=line.bottom,
            )
        )
    return found
