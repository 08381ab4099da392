"""The two example assistants with their documents, put in place by an admin who wants them; twice is harmless."""

from collections.abc import AsyncIterator, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from uuid import UUID

from appliance.core.caller import Caller
from appliance.core.ids import new_id
from appliance.features.assistants.errors import AssistantExists
from appliance.features.assistants.schemas import Installed
from appliance.features.assistants.service import AssistantService
from appliance.features.assistants.toml_form import read_toml
from appliance.features.identity import GroupIn, GroupPatch, PeopleService
from appliance.features.knowledge import CollectionIn, CollectionService, DocumentService, Grantee, PermissionsIn

COLLECTION = "Exemples"
GROUP = "Exemples"
"""There is no grant to everybody: a group of everybody there is when the examples are installed stands for it."""
_PAGE = 100


class ExampleService:
    """Installs what ships with the appliance as an example. Nothing of it is there before an admin asks."""

    def __init__(
        self,
        *,
        assistants: AssistantService,
        people: PeopleService,
        collections: CollectionService,
        documents: DocumentService,
    ) -> None:
        """Everything goes through the services people use, with the caller's own rights."""
        self._assistants = assistants
        self._people = people
        self._collections = collections
        self._documents = documents

    async def install(self, caller: Caller) -> Installed:
        """Add what is missing: assistants, a shared collection, its documents. What is there stays as it is."""
        caller.require_admin()
        collection_id = await self._collection(caller)
        added = [
            filename
            for owner, filename, content in _documents()
            if await self._upload(caller, collection_id, owner=owner, filename=filename, content=content)
        ]
        made = [name for text in _assistants() if (name := await self._make(caller, text))]
        return Installed(assistants=made, documents=added, collection=str(collection_id))

    async def _make(self, caller: Caller, text: str) -> str | None:
        assistant = read_toml(text).assistant
        try:
            await self._assistants.create(caller, assistant)
        except AssistantExists:
            return None
        return assistant.name

    async def _collection(self, caller: Caller) -> UUID:
        """Find or make the collection, and let everybody there is now read it."""
        group_id = await self._group(caller)
        offset = 0
        while True:
            page = await self._collections.page(caller, limit=_PAGE, offset=offset)
            for found in page.items:
                if found.name == COLLECTION and found.right in {"owner", "editor"}:
                    return found.id
            offset += _PAGE
            if offset >= page.total:
                break
        made = await self._collections.create(caller, CollectionIn(name=COLLECTION, language="fr"))
        await self._collections.share(caller, made.id, PermissionsIn(readers=[Grantee(group=group_id)]))
        return made.id

    async def _group(self, caller: Caller) -> UUID:
        """Find or make the group; whoever came since is added, nobody is taken out."""
        directory = await self._people.directory()
        everybody = {person.id for person in directory.users}
        there = next((group.id for group in directory.groups if group.name == GROUP), None)
        if there is None:
            return (await self._people.add_group(caller, GroupIn(name=GROUP, members=sorted(everybody)))).id
        members = await self._members(caller, there)
        if everybody - members:
            await self._people.change_group(caller, there, GroupPatch(members=sorted(everybody | members)))
        return there

    async def _members(self, caller: Caller, group_id: UUID) -> set[UUID]:
        offset = 0
        while True:
            page = await self._people.groups(caller, limit=_PAGE, offset=offset)
            if found := next((group for group in page.items if group.id == group_id), None):
                return set(found.members)
            offset += _PAGE
            if offset >= page.total:
                return set()

    async def _upload(self, caller: Caller, collection_id: UUID, *, owner: str, filename: str, content: bytes) -> bool:
        """Send a document the way a browser does; tells whether it is new."""
        boundary = new_id().hex
        fields = {"collection": str(collection_id), "agent_owner": owner}
        _, is_new = await self._documents.upload(
            caller,
            _form(boundary, fields, filename=filename, content=content),
            content_type=f"multipart/form-data; boundary={boundary}",
        )
        return is_new


async def _form(boundary: str, fields: dict[str, str], *, filename: str, content: bytes) -> AsyncIterator[bytes]:
    for name, value in fields.items():
        yield f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    yield f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'.encode()
    yield content
    yield f"\r\n--{boundary}--\r\n".encode()


def _folder() -> Traversable:
    return files("appliance.features.assistants") / "examples"


def _assistants() -> list[str]:
    found = [file for file in _folder().iterdir() if file.name.endswith(".toml")]
    return [file.read_text(encoding="utf-8") for file in sorted(found, key=lambda file: file.name)]


def _documents() -> Iterator[tuple[str, str, bytes]]:
    """Give each document with its owner, which is its folder's name."""
    for folder in sorted((_folder() / "documents").iterdir(), key=lambda folder: folder.name):
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".md"):
                yield folder.name, file.name, file.read_bytes()
