"""Conversations as their owner arranges them and readers see them."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from msgspec import UNSET

from appliance.core.caller import Caller
from appliance.core.database import Database, Transaction, look_again, now
from appliance.core.errors import InvalidRequest
from appliance.core.failpoints import Failpoints
from appliance.core.ids import new_id
from appliance.core.paging import Page
from appliance.core.text import Text
from appliance.features.audit import AuditService
from appliance.features.chat.errors import ConversationNotFound, MessageNotFound, NotAnAnswer, NotYours
from appliance.features.chat.mapping import excerpt_of, hide, to_conversation, to_message
from appliance.features.chat.repository import (
    ConversationRepository,
    Hit,
    KnownConversation,
    MessageRepository,
    Search,
    TurnRepository,
)
from appliance.features.chat.repository.conversations import ConversationFilter
from appliance.features.chat.schemas import (
    AttachIn,
    Attachment,
    Conversation,
    ConversationIn,
    ConversationMessage,
    ConversationPatch,
    FeedbackIn,
    FolderOut,
    FolderPatch,
    ShareIn,
)
from appliance.features.chat.tables import AttachmentRow, ConversationRow, ConversationShareRow
from appliance.features.chat.words import searchable
from appliance.features.identity import PeopleService
from appliance.features.knowledge import DocumentService
from appliance.features.runs import RunNotFound, RunService

_MOST_ATTACHMENTS = 50
_NO_TITLE = Text("New conversation", "Nouvelle conversation")
_TOO_MANY = Text("A conversation takes at most 50 documents.", "Une conversation accepte au plus 50 documents.")
_USER_OR_GROUP = Text("Each entry names a `user` or a `group`.", "Chaque entrée désigne un `user` ou un `group`.")


class ConversationService:
    """What a conversation is called, where it lies, who reads it; its messages are read here and written by turns."""

    def __init__(
        self,
        database: Database,
        *,
        people: PeopleService,
        documents: DocumentService,
        runs: RunService,
        audit: AuditService,
        failpoints: Failpoints,
    ) -> None:
        """`documents` tells what a reader may read, `runs` stops what is written into a conversation that is deleted."""
        self._database = database
        self._people = people
        self._documents = documents
        self._runs = runs
        self._audit = audit
        self._failpoints = failpoints
        self._conversations = ConversationRepository()
        self._messages = MessageRepository()
        self._turns = TurnRepository()
        self._search = Search()

    async def page(
        self, caller: Caller, *, query: str, where: ConversationFilter, limit: int, offset: int
    ) -> Page[Conversation]:
        """List conversations, the latest first; with a query those that hold its words, with an excerpt."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            if query.strip():
                hits, total = await self._search.find(transaction, caller, query, where, limit=limit, offset=offset)
                items = await self._found(transaction, caller, query, hits)
            else:
                known, total = await self._conversations.page(transaction, caller, where, limit=limit, offset=offset)
                running = await self._conversations.running(transaction, [one.row.id for one in known])
                items = [to_conversation(one, running=running.get(one.row.id)) for one in known]
        return Page(items=items, total=total, limit=limit, offset=offset)

    async def _found(
        self, transaction: Transaction, caller: Caller, query: str, hits: Sequence[Hit]
    ) -> list[Conversation]:
        known = await self._conversations.by_ids(transaction, caller, [hit.conversation_id for hit in hits])
        words = searchable(query).split()
        return [
            to_conversation(
                known[hit.conversation_id],
                excerpt=excerpt_of(hit.content, searchable(hit.content or ""), words),
            )
            for hit in hits
            if hit.conversation_id in known
        ]

    async def create(self, caller: Caller, request: ConversationIn) -> Conversation:
        """Begin a conversation, or find one's own of that name again. Raises ConversationNotFound where it is another's."""
        caller.require_scope("chat")
        return await look_again(lambda: self._create(caller, request), times=3)

    async def _create(self, caller: Caller, request: ConversationIn) -> Conversation:
        async with self._database.begin() as transaction:
            row = await self.open(transaction, caller, request.conversation_id)
            if request.title is not None:
                row.title, row.is_titled = request.title, True
            row.folder = request.folder or row.folder
            row.assistant = request.assistant or row.assistant
        return to_conversation(KnownConversation(row, "owner", caller.username))

    async def open(self, transaction: Transaction, caller: Caller, key: str | None) -> ConversationRow:
        """Find the caller's conversation by its key, locked, or make it. Raises ConversationNotFound for another's."""
        row = await self._conversations.lock(transaction, key) if key is not None else None
        if row is None:
            moment, made = now(), new_id()
            row = ConversationRow(
                id=made,
                key=key if key is not None else str(made),
                owner_id=caller.user_id,
                title=_NO_TITLE.say(caller.language),
                is_titled=False,
                folder=None,
                assistant=None,
                is_archived=False,
                head_id=None,
                messages=0,
                summary="",
                summary_id=None,
                created_at=moment,
                updated_at=moment,
            )
            transaction.add(row)
        if row.owner_id != caller.user_id:
            raise NotYours if await self.find(transaction, caller, row.key) else ConversationNotFound
        return row

    async def get(self, caller: Caller, handle: str) -> Conversation:
        """Show one, with its readers (to its owner) and its documents (those the caller may read)."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            known = await self.known(transaction, caller, handle)
            return await self._describe(transaction, caller, known)

    async def _describe(self, transaction: Transaction, caller: Caller, known: KnownConversation) -> Conversation:
        conversation_id = known.row.id
        running = await self._conversations.running(transaction, [conversation_id])
        readers = (await self._conversations.readers(transaction, [conversation_id]))[conversation_id]
        shown = to_conversation(
            known, running=running.get(conversation_id), readers=readers if known.right == "owner" else ()
        )
        attached = await self._conversations.attachments(transaction, conversation_id)
        names = await self._documents.names(transaction, caller, [entry[0] for entry in attached])
        shown.attachments = [
            Attachment(file_id=file_id, filename=filename, status=status)
            for file_id, filename, status in attached
            if file_id in names
        ]
        return shown

    async def known(self, transaction: Transaction, caller: Caller, handle: str) -> KnownConversation:
        """Find a conversation the caller may read. Raises ConversationNotFound."""
        known = await self._conversations.known(transaction, caller, handle)
        if known is None:
            raise ConversationNotFound
        return known

    async def find(self, transaction: Transaction, caller: Caller, handle: str) -> KnownConversation | None:
        """Find a conversation the caller may read, if there is one."""
        return await self._conversations.known(transaction, caller, handle)

    async def own(self, transaction: Transaction, caller: Caller, handle: str) -> KnownConversation:
        """Find a conversation of the caller's own, locked. Raises ConversationNotFound, or NotYours for a reader."""
        known = await self.known(transaction, caller, handle)
        if known.right != "owner":
            raise NotYours
        row = await self._conversations.lock_id(transaction, known.row.id)
        if row is None:
            raise ConversationNotFound
        return KnownConversation(row, known.right, known.owner)

    async def change(self, caller: Caller, handle: str, patch: ConversationPatch) -> Conversation:
        """Rename, move, archive, choose an assistant, or show another branch."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            known = await self.own(transaction, caller, handle)
            row = known.row
            if patch.title is not UNSET:
                row.title, row.is_titled = patch.title, True
            if patch.folder is not UNSET:
                row.folder = patch.folder
            if patch.archived is not UNSET:
                row.is_archived = patch.archived
            if patch.assistant is not UNSET:
                row.assistant = None if patch.assistant == "auto" else patch.assistant
            if patch.head is not UNSET:
                if await self._messages.get(transaction, row.id, patch.head) is None:
                    raise MessageNotFound
                row.head_id = await self._messages.leaf_below(transaction, row.id, patch.head)
            await transaction.flush()
            return await self._describe(transaction, caller, known)

    async def delete(self, caller: Caller, handle: str) -> None:
        """Delete a conversation with all its messages; its documents stay where they were added, what is written stops."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            known = await self.own(transaction, caller, handle)
            writing = await self._conversations.writing(transaction, known.row.id)
            await self._turns.stop_writing(transaction, known.row.key)
            await transaction.delete(known.row)
            await transaction.flush()
            await self._audit.record(
                transaction,
                caller,
                "conversation.deleted",
                object_kind="conversation",
                object_id=known.row.id,
                messages=known.row.messages,
            )
        self._failpoints.reach("chat.deleted")
        for run_id in writing:
            with suppress(RunNotFound):
                await self._runs.stop(caller, run_id)

    async def messages(
        self, caller: Caller, handle: str, *, leaf: UUID | None, limit: int, offset: int
    ) -> Page[ConversationMessage]:
        """List the messages of a branch, first to last: the one being shown, or the one through `leaf`."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            known = await self.known(transaction, caller, handle)
            head = known.row.head_id
            if leaf is not None:
                if await self._messages.get(transaction, known.row.id, leaf) is None:
                    raise MessageNotFound
                head = await self._messages.leaf_below(transaction, known.row.id, leaf)
            path = await self._messages.path_ids(transaction, head)
            items = await self._show(transaction, caller, known, path[offset : offset + limit])
        return Page(items=items, total=len(path), limit=limit, offset=offset)

    async def branch(self, caller: Caller, handle: str) -> tuple[Conversation, list[ConversationMessage]]:
        """Read the whole branch being shown: for an export."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            known = await self.known(transaction, caller, handle)
            path = await self._messages.path_ids(transaction, known.row.head_id)
            shown = await self._describe(transaction, caller, known)
            return shown, await self._show(transaction, caller, known, path)

    async def _show(
        self, transaction: Transaction, caller: Caller, known: KnownConversation, ids: Sequence[UUID]
    ) -> list[ConversationMessage]:
        rows = await self._messages.by_ids(transaction, ids)
        parents = [row.parent_id for row in rows]
        versions = await self._messages.versions(transaction, known.row.id, parents)
        escalations = await self._messages.escalations(transaction, ids)
        shown = [to_message(row, versions.get(row.parent_id, []), caller.language) for row in rows]
        for message in shown:
            message.escalation_id = escalations.get(message.id)
        return shown if known.right == "owner" else await self._without_unreadable(transaction, caller, shown)

    async def _without_unreadable(
        self, transaction: Transaction, caller: Caller, messages: list[ConversationMessage]
    ) -> list[ConversationMessage]:
        """Hide each answer that rests on a document the caller may not read, or that is still being written."""
        cited = {source.file_id for message in messages for source in message.sources}
        readable = await self._documents.names(transaction, caller, sorted(cited))
        return [
            hide(message)
            if message.status == "writing" or any(source.file_id not in readable for source in message.sources)
            else message
            for message in messages
        ]

    async def share(self, caller: Caller, handle: str, request: ShareIn) -> Conversation:
        """Say who may read it; it holds from the next request on."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            known = await self.own(transaction, caller, handle)
            rows = _share_rows(known.row.id, request)
            await self._people.require_people(
                transaction,
                [row.user_id for row in rows if row.user_id],
                [row.group_id for row in rows if row.group_id],
            )
            await self._conversations.replace_readers(transaction, known.row.id, rows)
            await transaction.flush()
            shown = await self._describe(transaction, caller, known)
            await self._audit.record(
                transaction,
                caller,
                "conversation.shared",
                object_kind="conversation",
                object_id=known.row.id,
                readers=[str(row.user_id or row.group_id) for row in rows],
            )
        return shown

    async def rate(self, caller: Caller, handle: str, message_id: UUID, request: FeedbackIn) -> ConversationMessage:
        """Keep what the owner thinks of an answer."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            known = await self.own(transaction, caller, handle)
            row = await self._messages.get(transaction, known.row.id, message_id)
            if row is None:
                raise MessageNotFound
            if row.role != "assistant":
                raise NotAnAnswer
            row.rating, row.reason = request.rating, request.reason if request.rating else None
            await self._turns.finish(transaction, message_id, rating=request.rating)
            await transaction.flush()
            return (await self._show(transaction, caller, known, [message_id]))[0]

    async def attach(self, caller: Caller, handle: str, request: AttachIn) -> Conversation:
        """Make a document that the caller may read one of the conversation."""
        document = await self._documents.get(caller, request.file_id)
        async with self._database.begin() as transaction:
            known = await self.own(transaction, caller, handle)
            attached = await self._conversations.attachments(transaction, known.row.id)
            if document.file_id not in {entry[0] for entry in attached}:
                if len(attached) >= _MOST_ATTACHMENTS:
                    raise InvalidRequest(reason=_TOO_MANY)
                row = AttachmentRow(conversation_id=known.row.id, document_id=document.file_id, added_at=now())
                transaction.add(row)
                await transaction.flush()
            shown = await self._describe(transaction, caller, known)
        self._failpoints.reach("chat.attached")
        return shown

    async def detach(self, caller: Caller, handle: str, file_id: UUID) -> None:
        """Take a document out of the conversation; it stays where it was added."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            known = await self.own(transaction, caller, handle)
            row = await self._conversations.attachment(transaction, known.row.id, file_id)
            if row is not None:
                await transaction.delete(row)

    async def folders(self, caller: Caller) -> Page[FolderOut]:
        """List the caller's folders."""
        caller.require_scope("chat")
        async with self._database.read() as transaction:
            found = await self._conversations.folders(transaction, caller)
        items = [FolderOut(name=name, conversations=count) for name, count in found]
        return Page(items=items, total=len(items), limit=max(1, len(items)), offset=0)

    async def change_folder(self, caller: Caller, patch: FolderPatch) -> Page[FolderOut]:
        """Rename a folder, or empty it."""
        caller.require_scope("chat")
        async with self._database.begin() as transaction:
            await self._conversations.rename_folder(transaction, caller, patch.name, patch.to)
        return await self.folders(caller)


def _share_rows(conversation_id: UUID, request: ShareIn) -> list[ConversationShareRow]:
    chosen: dict[tuple[UUID | None, UUID | None], None] = {}
    for grantee in request.readers:
        if (grantee.user is None) == (grantee.group is None):
            raise InvalidRequest(reason=_USER_OR_GROUP)
        chosen[grantee.user, grantee.group] = None
    return [
        ConversationShareRow(id=new_id(), conversation_id=conversation_id, user_id=user, group_id=group)
        for user, group in chosen
    ]
