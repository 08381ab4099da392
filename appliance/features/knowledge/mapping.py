"""From rows to what goes over the wire."""

from typing import cast
from uuid import UUID

import msgspec

from appliance.core.errors import ApplianceError, Problem, StoredProblem
from appliance.core.text import Language
from appliance.features.knowledge.repository import ListedDocument
from appliance.features.knowledge.schemas import Document, DocumentStatus, Progress, Right, TextSection
from appliance.features.knowledge.tables import DocumentRow
from appliance.ports.parser import Section

TEXTS = "texts/"


def to_document(listed: ListedDocument, language: Language) -> Document:
    """Show a document, its failure in the reader's language."""
    row = listed.row
    return Document(
        file_id=row.id,
        filename=row.filename,
        size=row.size,
        pages=row.pages,
        chunks=row.chunks,
        status=status_of(row),
        error=problem_of(row, language),
        tags=row.tags,
        agent_owner=row.agent_owner,
        uploaded_at=row.uploaded_at,
        collection=row.collection_id,
        collection_name=listed.collection_name,
        media_type=row.media_type,
        title=row.title,
        language=row.language,
        unread_pages=row.unread_pages,
        uploaded_by=listed.uploaded_by,
        indexed_at=row.indexed_at,
        searchable=row.version > 0,
        progress=Progress(stage=status_of(row), done=row.stage_done, total=row.stage_total, seconds=row.timings),
        right=cast("Right", listed.right),
    )


def status_of(row: DocumentRow) -> DocumentStatus:
    """Name the state of a document."""
    return cast("DocumentStatus", row.status)


def problem_of(row: DocumentRow, language: Language) -> Problem | None:
    """Say why a document failed."""
    if row.problem is None:
        return None
    return stored_error(row).to_problem(language)


def stored_error(row: DocumentRow) -> ApplianceError:
    """Find the error a document failed with."""
    return ApplianceError.restore(msgspec.convert(row.problem, StoredProblem))


def to_text_section(section: Section) -> TextSection:
    """Show a section of a document's text."""
    return TextSection(
        text=section.text,
        start=section.start,
        page=section.page,
        headings=list(section.headings),
        locator=section.locator,
        table=section.kind == "table",
    )


def holder_of(document_id: UUID) -> str:
    """Name a document as the holder of its bytes."""
    return f"document:{document_id}"


def text_key(document_id: UUID) -> str:
    """Name the object that keeps a document's text with its places."""
    return f"{TEXTS}{str(document_id)[-2:]}/{document_id}"
