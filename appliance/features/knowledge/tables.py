"""Collections, documents, their chunks, and the indexes they are found by."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.database import Table


class CollectionRow(Table):
    """Documents that are shared and cut alike. Everybody has one private one."""

    __tablename__ = "collections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    is_private: Mapped[bool]
    language: Mapped[str | None] = mapped_column(String(8))
    chunk_characters: Mapped[int] = mapped_column(Integer)
    chunk_overlap: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]


Index(
    "uq_collections_private",
    CollectionRow.owner_id,
    unique=True,
    sqlite_where=text("is_private"),
    postgresql_where=text("is_private"),
)


class CollectionGrantRow(Table):
    """What a person or a group may do with a collection: read it, or edit it too."""

    __tablename__ = "collection_grants"
    __table_args__ = (UniqueConstraint("collection_id", "user_id", "group_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    group_id: Mapped[UUID | None] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), index=True)
    right: Mapped[str] = mapped_column(String(8))


class DocumentRow(Table):
    """A file somebody added. `version` is the one searched (0: none yet); `is_dirty`: an index run left points behind."""

    __tablename__ = "documents"
    __table_args__ = (Index("ix_documents_listing", "collection_id", "uploaded_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    filename: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str | None] = mapped_column(String(120))
    title: Mapped[str | None] = mapped_column(String(500))
    language: Mapped[str | None] = mapped_column(String(8))
    pages: Mapped[int | None] = mapped_column(Integer)
    unread_pages: Mapped[int] = mapped_column(Integer)
    chunks: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(16), index=True)
    problem: Mapped[dict[str, Any] | None]
    stage_done: Mapped[int] = mapped_column(Integer)
    stage_total: Mapped[int] = mapped_column(Integer)
    timings: Mapped[dict[str, Any]]
    tags: Mapped[list[str]]
    agent_owner: Mapped[str | None] = mapped_column(String(100))
    sealed_password: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(Integer)
    is_dirty: Mapped[bool]
    job_id: Mapped[UUID | None]
    uploaded_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    uploaded_at: Mapped[datetime]
    indexed_at: Mapped[datetime | None]


Index(
    "uq_documents_bytes",
    DocumentRow.collection_id,
    DocumentRow.sha256,
    unique=True,
    sqlite_where=DocumentRow.status != "deleting",
    postgresql_where=DocumentRow.status != "deleting",
)


class ChunkRow(Table):
    """A passage. Of a document's versions only the one the document names is ever shown."""

    __tablename__ = "chunks"
    __table_args__ = (Index("ix_chunks_document", "document_id", "version", "position"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    page: Mapped[int | None] = mapped_column(Integer)
    start: Mapped[int] = mapped_column("start_character", Integer)
    end: Mapped[int] = mapped_column("end_character", Integer)
    headings: Mapped[list[str]]
    locator: Mapped[dict[str, Any] | None]
    text: Mapped[str] = mapped_column(Text)


class VectorIndexRow(Table):
    """A collection of vectors made by one embedder. `building` beside `active` while everything is embedded anew."""

    __tablename__ = "vector_indexes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    identity: Mapped[str] = mapped_column(String(200))
    embedder: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]


class IndexedDocumentRow(Table):
    """Which version of a document stands in a vector index, in how many points."""

    __tablename__ = "indexed_documents"

    index_id: Mapped[UUID] = mapped_column(ForeignKey("vector_indexes.id", ondelete="CASCADE"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    version: Mapped[int] = mapped_column(Integer)
    points: Mapped[int] = mapped_column(Integer)


class EvaluationRow(Table):
    """One run of `appliance eval`: what was asked of which set, and how well it was found or routed."""

    __tablename__ = "evaluations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    questions: Mapped[int] = mapped_column(Integer)
    measures: Mapped[dict[str, Any]]
    configuration: Mapped[dict[str, Any]]
    seconds: Mapped[float] = mapped_column(Float)
    run_by: Mapped[UUID]
    run_at: Mapped[datetime]
