"""Collections over HTTP."""

from uuid import UUID

from litestar import Controller, delete, get, patch, post, put
from litestar.status_codes import HTTP_201_CREATED

from appliance.core.caller import Caller
from appliance.core.paging import DEFAULT_LIMIT, Limit, Offset, Page
from appliance.features.knowledge.collections import CollectionService
from appliance.features.knowledge.schemas import Collection, CollectionIn, CollectionPatch, PermissionsIn


class CollectionController(Controller):
    """What people put documents into and share."""

    path = "/api/collections"
    tags = ("Knowledge",)

    @get(operation_id="ListCollections", summary="List collections, one's own private one first")
    async def list_collections(
        self, caller: Caller, collections: CollectionService, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> Page[Collection]:
        """Those the caller may know of, with counts and the caller's right."""
        return await collections.page(caller, limit=limit, offset=offset)

    @post(status_code=HTTP_201_CREATED, operation_id="AddCollection", summary="Make a collection")
    async def add(self, caller: Caller, data: CollectionIn, collections: CollectionService) -> Collection:
        """It is the caller's, and nobody else's until it is shared."""
        return await collections.create(caller, data)

    @get("/{collection_id:uuid}", operation_id="GetCollection", summary="One collection")
    async def get_collection(self, caller: Caller, collection_id: UUID, collections: CollectionService) -> Collection:
        """With counts and the caller's right."""
        return await collections.get(caller, collection_id)

    @patch("/{collection_id:uuid}", operation_id="ChangeCollection", summary="Rename it, or cut it differently")
    async def change(
        self, caller: Caller, collection_id: UUID, data: CollectionPatch, collections: CollectionService
    ) -> Collection:
        """Other sizes or another language index every document anew."""
        return await collections.change(caller, collection_id, data)

    @put("/{collection_id:uuid}/permissions", operation_id="ShareCollection", summary="Say who reads and who edits")
    async def share(
        self, caller: Caller, collection_id: UUID, data: PermissionsIn, collections: CollectionService
    ) -> Collection:
        """Replaces what was."""
        return await collections.share(caller, collection_id, data)

    @delete("/{collection_id:uuid}", operation_id="DeleteCollection", summary="Delete it with all its documents")
    async def remove(self, caller: Caller, collection_id: UUID, collections: CollectionService) -> None:
        """For its owner and admins."""
        await collections.delete(caller, collection_id)
