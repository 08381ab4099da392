"""Documents over HTTP: in, listed, shown, tried again, gone."""

from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from appliance.core.caller import Caller
from appliance.core.openapi import MultipartOperation
from appliance.core.paging import DEFAULT_LIMIT, Limit, Offset
from appliance.features.knowledge.reading import ReadingService
from appliance.features.knowledge.repository import DocumentFilter
from appliance.features.knowledge.schemas import (
    Document,
    DocumentPage,
    DocumentPatch,
    DocumentText,
    Indexed,
    IndexIn,
    PassageContext,
    QueuedJob,
    RetryIn,
    Tagged,
    TagIn,
    Uploaded,
)
from appliance.features.knowledge.sentences import Span
from appliance.features.knowledge.service import DocumentService

SortKey = Literal["name", "collection", "pages", "chunks", "size", "status", "uploaded_at"]
StatusFilter = Literal["uploaded", "queued", "parsing", "embedding", "indexed", "failed", "working"]
# A user's file is never run by the browser: it is saved, and whatever opens it gets no script, form or origin.
_UNTRUSTED = {"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}


class DocumentController(Controller):
    """What people do with documents."""

    path = "/api/rag"
    tags = ("Knowledge",)

    @post(
        "/upload",
        status_code=HTTP_201_CREATED,
        operation_id="UploadDocument",
        summary="Add a file; indexing starts by itself",
        request_max_body_size=None,  # the sink counts as it flows, and the door has looked at Content-Length
        operation_class=MultipartOperation,
        responses={
            HTTP_200_OK: ResponseSpec(
                Uploaded, generate_examples=False, description="The first document of these bytes"
            )
        },
    )
    async def upload(
        self, request: Request[Any, Any, Any], caller: Caller, documents: DocumentService
    ) -> Response[Uploaded]:
        """201, or 200 with the first document where the same bytes are in the collection already."""
        content_type = request.headers.get("content-type", "")
        uploaded, is_new = await documents.upload(caller, request.stream(), content_type=content_type)
        return Response(uploaded, status_code=HTTP_201_CREATED if is_new else HTTP_200_OK)

    @post(
        "/index",
        status_code=HTTP_200_OK,
        operation_id="IndexDocument",
        summary="Wait until a document is indexed",
        responses={
            HTTP_202_ACCEPTED: ResponseSpec(QueuedJob, generate_examples=False, description="Not waited for"),
        },
    )
    async def index(
        self, caller: Caller, data: IndexIn, documents: DocumentService, wait: bool = True
    ) -> Response[Indexed | QueuedJob]:
        """Start it again where it had failed. `wait=false` answers 202 at once."""
        outcome = await documents.index(caller, data.file_id, wait=wait)
        status = HTTP_200_OK if isinstance(outcome, Indexed) else HTTP_202_ACCEPTED
        return Response(outcome, status_code=status)

    @get("/documents", operation_id="ListDocuments", summary="List documents")
    async def list_documents(
        self,
        caller: Caller,
        documents: DocumentService,
        collection: UUID | None = None,
        status: StatusFilter | None = None,
        sought: Annotated[str, QueryParameter(name="q", max_length=200)] = "",
        tag: Annotated[str | None, QueryParameter(max_length=60)] = None,
        sort: SortKey = "uploaded_at",
        order: Literal["asc", "desc"] = "desc",
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> DocumentPage:
        """Those the caller may read; newest first unless sorted."""
        where = DocumentFilter(collection_id=collection, status=status, query=sought, tag=tag)
        return await documents.page(caller, where, sort=sort, descending=order == "desc", limit=limit, offset=offset)

    @post("/documents/tag", status_code=HTTP_200_OK, operation_id="TagDocuments", summary="Tag by words in the text")
    async def tag(self, caller: Caller, data: TagIn, documents: DocumentService) -> Tagged:
        """Every document the caller may edit in which one of a tag's words stands."""
        return await documents.tag(caller, data)

    @get("/documents/{file_id:uuid}", operation_id="GetDocument", summary="One document's record")
    async def get_document(self, caller: Caller, file_id: UUID, documents: DocumentService) -> Document:
        """As it stands."""
        return await documents.get(caller, file_id)

    @patch("/documents/{file_id:uuid}", operation_id="ChangeDocument", summary="Change a document's tags or owner")
    async def change(self, caller: Caller, file_id: UUID, data: DocumentPatch, documents: DocumentService) -> Document:
        """For editors."""
        return await documents.change(caller, file_id, data)

    @delete("/documents/{file_id:uuid}", operation_id="DeleteDocument", summary="Delete a document for good")
    async def remove(self, caller: Caller, file_id: UUID, documents: DocumentService) -> None:
        """Bytes, rows and vectors are gone when this answers."""
        await documents.delete(caller, file_id)

    @post("/documents/{file_id:uuid}/retry", status_code=HTTP_200_OK, operation_id="RetryDocument", summary="Try again")
    async def retry(
        self, caller: Caller, file_id: UUID, documents: DocumentService, data: RetryIn | None = None
    ) -> Document:
        """With the password of an encrypted file, if it needs one."""
        return await documents.retry(caller, file_id, data or RetryIn())

    @post("/documents/{file_id:uuid}/cancel", status_code=HTTP_200_OK, operation_id="CancelDocument", summary="Stop it")
    async def cancel(self, caller: Caller, file_id: UUID, documents: DocumentService) -> Document:
        """What was searchable before stays so."""
        return await documents.cancel(caller, file_id)


class ReadingController(Controller):
    """What a citation opens."""

    path = "/api/rag/documents/{file_id:uuid}"
    tags = ("Knowledge",)

    @get("/content", operation_id="GetContent", summary="The original bytes", media_type="application/octet-stream")
    async def content(self, caller: Caller, file_id: UUID, reading: ReadingService) -> Stream:
        """As an attachment, under the name it was sent with."""
        content = await reading.content(caller, file_id)
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(content.filename)}",
            "Content-Length": str(content.size),
            "ETag": content.etag,
            **_UNTRUSTED,
        }
        return Stream(content.body, media_type=content.media_type, headers=headers)

    @get("/pages/{number:int}", operation_id="GetPage", summary="A page as a picture", media_type="image/png")
    async def page(
        self,
        caller: Caller,
        file_id: UUID,
        number: int,
        reading: ReadingService,
        chunk: UUID | None = None,
        start: Annotated[int | None, QueryParameter(ge=0)] = None,
        end: Annotated[int | None, QueryParameter(ge=0)] = None,
    ) -> Response[bytes]:
        """`chunk` marks a passage; `start` and `end` (of a source) mark just the quote."""
        span = Span(start, end) if start is not None and end is not None else None
        picture = await reading.page(caller, file_id, number, chunk_id=chunk, span=span)
        headers = {"Cache-Control": "private, max-age=600", **_UNTRUSTED}
        if picture.mark_top is not None:
            headers["X-Mark-Top"] = f"{picture.mark_top:.4f}"
        return Response(picture.png, media_type="image/png", headers=headers)

    @get("/text", operation_id="GetText", summary="The text that was read, section by section")
    async def text(
        self, caller: Caller, file_id: UUID, reading: ReadingService, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> DocumentText:
        """For formats without pages."""
        return await reading.text(caller, file_id, offset=offset, limit=limit)

    @get("/passages/{chunk_id:uuid}", operation_id="GetPassage", summary="A passage with the text around it")
    async def passage(self, caller: Caller, file_id: UUID, chunk_id: UUID, reading: ReadingService) -> PassageContext:
        """What a citation opens where there are no pages."""
        return await reading.passage(caller, file_id, chunk_id)
