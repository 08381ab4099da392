"""Conversations over HTTP."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from appliance.core.caller import Caller
from appliance.core.openapi import StreamingOperation
from appliance.core.paging import DEFAULT_LIMIT, Limit, Offset, Page
from appliance.core.streams import QUIET_SECONDS, server_sent_events
from appliance.features.chat.exporting import ExportFormat, ExportService
from appliance.features.chat.repository.conversations import ConversationFilter
from appliance.features.chat.schemas import (
    AttachIn,
    BranchIn,
    Conversation,
    ConversationIn,
    ConversationMessage,
    ConversationPatch,
    FeedbackIn,
    FolderOut,
    FolderPatch,
    MessageIn,
    RateLimit,
    RegenerateIn,
    Reply,
    ShareIn,
)
from appliance.features.chat.service import ConversationService
from appliance.features.chat.turns import ChatService
from appliance.features.runs import LiveRun

_ANSWERED = {
    HTTP_200_OK: ResponseSpec(
        Reply, generate_examples=False, description="The answer; with `stream` it comes as server-sent events"
    )
}
_Query = Annotated[str, QueryParameter(max_length=500)]
_Folder = Annotated[str | None, QueryParameter(max_length=100)]


async def _answer(run: LiveRun, chat: ChatService, *, streams: bool) -> Response[Reply] | Stream:
    if streams:
        return server_sent_events(run.batches(quiet_seconds=QUIET_SECONDS), headers={"X-Run-Id": str(run.id)})
    return Response(await chat.wait(run))


class ChatController(Controller):
    """Sending a message."""

    path = "/api"
    tags = ("Chat",)

    @post(
        "/chat",
        status_code=HTTP_200_OK,
        operation_id="SendMessage",
        summary="Send a message to the assistants",
        operation_class=StreamingOperation,
        responses=_ANSWERED,
    )
    async def send(self, caller: Caller, data: MessageIn, chat: ChatService) -> Response[Reply] | Stream:
        """JSON, or with `stream` server-sent events: `accepted`, `queue`, `route`, `source`, `token`, then `done` or `error`."""
        return await _answer(await chat.send(caller, data), chat, streams=data.stream)

    @get("/rate-limit/{conversation_id:str}", operation_id="GetRateLimit", summary="What may still be sent")
    async def rate_limit(self, caller: Caller, conversation_id: str, chat: ChatService) -> RateLimit:
        """A conversation that is not there yet has its whole window before it."""
        return await chat.rate_limit(caller, conversation_id)


class ConversationController(Controller):
    """One's conversations, and those of others one may read."""

    path = "/api/conversations"
    tags = ("Chat",)

    @get(operation_id="ListConversations", summary="List conversations, the latest first, or search them")
    async def list_conversations(
        self,
        caller: Caller,
        conversations: ConversationService,
        q: _Query = "",
        folder: _Folder = None,
        archived: bool = False,
        shared: bool = False,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[Conversation]:
        """`q` searches titles and everything that was said. `shared`: those of others that the caller may read."""
        where = ConversationFilter(folder=folder, archived=archived, shared=shared)
        return await conversations.page(caller, query=q, where=where, limit=limit, offset=offset)

    @post(status_code=HTTP_201_CREATED, operation_id="AddConversation", summary="Begin a conversation")
    async def add(self, caller: Caller, data: ConversationIn, conversations: ConversationService) -> Conversation:
        """Sending a message begins one too."""
        return await conversations.create(caller, data)

    @get("/{conversation_id:str}", operation_id="GetConversation", summary="One conversation")
    async def get_conversation(
        self, caller: Caller, conversation_id: str, conversations: ConversationService
    ) -> Conversation:
        """With its documents, and for its owner its readers."""
        return await conversations.get(caller, conversation_id)

    @patch("/{conversation_id:str}", operation_id="ChangeConversation", summary="Rename, move, archive, show a branch")
    async def change(
        self, caller: Caller, conversation_id: str, data: ConversationPatch, conversations: ConversationService
    ) -> Conversation:
        """For its owner."""
        return await conversations.change(caller, conversation_id, data)

    @delete("/{conversation_id:str}", operation_id="DeleteConversation", summary="Delete it with all its messages")
    async def remove(self, caller: Caller, conversation_id: str, conversations: ConversationService) -> None:
        """Its documents stay where they were added."""
        await conversations.delete(caller, conversation_id)

    @get("/{conversation_id:str}/messages", operation_id="ListMessages", summary="The messages of a branch")
    async def messages(
        self,
        caller: Caller,
        conversation_id: str,
        conversations: ConversationService,
        leaf: UUID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> Page[ConversationMessage]:
        """First to last: the branch being shown, or the one through the message `leaf`."""
        return await conversations.messages(caller, conversation_id, leaf=leaf, limit=limit, offset=offset)

    @get(
        "/{conversation_id:str}/export",
        operation_id="ExportConversation",
        summary="A conversation as a file, with its sources",
        media_type="application/octet-stream",
    )
    async def export(
        self,
        caller: Caller,
        conversation_id: str,
        conversations: ConversationService,
        exporting: ExportService,
        format: Annotated[ExportFormat, QueryParameter()] = "md",  # noqa: A002 - as the contract calls it
    ) -> Response[bytes]:
        """The branch being shown, as Markdown, JSON or DOCX."""
        conversation, messages = await conversations.branch(caller, conversation_id)
        exported = await exporting.export(conversation, messages, format, caller.language)
        disposition = f"attachment; filename*=UTF-8''{quote(exported.filename, safe='')}"
        return Response(exported.content, media_type=exported.media_type, headers={"Content-Disposition": disposition})

    @post(
        "/{conversation_id:str}/messages/{message_id:uuid}/branch",
        status_code=HTTP_200_OK,
        operation_id="BranchMessage",
        summary="Edit a message and send it again",
        operation_class=StreamingOperation,
        responses=_ANSWERED,
    )
    async def branch(
        self, caller: Caller, conversation_id: str, message_id: UUID, data: BranchIn, chat: ChatService
    ) -> Response[Reply] | Stream:
        """The old wording and its answers stay on a branch of their own."""
        return await _answer(await chat.branch(caller, conversation_id, message_id, data), chat, streams=data.stream)

    @post(
        "/{conversation_id:str}/messages/{message_id:uuid}/regenerate",
        status_code=HTTP_200_OK,
        operation_id="RegenerateMessage",
        summary="Answer once more, perhaps with another model",
        operation_class=StreamingOperation,
        responses=_ANSWERED,
    )
    async def regenerate(
        self, caller: Caller, conversation_id: str, message_id: UUID, data: RegenerateIn, chat: ChatService
    ) -> Response[Reply] | Stream:
        """The answers are versions of each other."""
        return await _answer(
            await chat.regenerate(caller, conversation_id, message_id, data), chat, streams=data.stream
        )

    @put(
        "/{conversation_id:str}/messages/{message_id:uuid}/feedback",
        operation_id="RateMessage",
        summary="Say whether an answer was good",
    )
    async def rate(
        self,
        caller: Caller,
        conversation_id: str,
        message_id: UUID,
        data: FeedbackIn,
        conversations: ConversationService,
    ) -> ConversationMessage:
        """Null takes it back."""
        return await conversations.rate(caller, conversation_id, message_id, data)

    @put("/{conversation_id:str}/share", operation_id="ShareConversation", summary="Say who may read it")
    async def share(
        self, caller: Caller, conversation_id: str, data: ShareIn, conversations: ConversationService
    ) -> Conversation:
        """Readers see only answers whose sources they may read. Replaces what was."""
        return await conversations.share(caller, conversation_id, data)

    @post(
        "/{conversation_id:str}/attachments",
        status_code=HTTP_200_OK,
        operation_id="AttachDocument",
        summary="Make a document one of the conversation",
    )
    async def attach(
        self, caller: Caller, conversation_id: str, data: AttachIn, conversations: ConversationService
    ) -> Conversation:
        """It is searched first there, and stays where it was added."""
        return await conversations.attach(caller, conversation_id, data)

    @delete(
        "/{conversation_id:str}/attachments/{file_id:uuid}",
        operation_id="DetachDocument",
        summary="Take a document out of the conversation",
    )
    async def detach(
        self, caller: Caller, conversation_id: str, file_id: UUID, conversations: ConversationService
    ) -> None:
        """It stays where it was added."""
        await conversations.detach(caller, conversation_id, file_id)


class FolderController(Controller):
    """Folders are names that conversations share."""

    path = "/api/folders"
    tags = ("Chat",)

    @get(operation_id="ListFolders", summary="List one's folders")
    async def list_folders(self, caller: Caller, conversations: ConversationService) -> Page[FolderOut]:
        """With how many conversations each holds."""
        return await conversations.folders(caller)

    @patch(operation_id="ChangeFolder", summary="Rename a folder, or empty it")
    async def change(self, caller: Caller, data: FolderPatch, conversations: ConversationService) -> Page[FolderOut]:
        """Its conversations stay."""
        return await conversations.change_folder(caller, data)
