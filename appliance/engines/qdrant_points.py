"""Points and filters as both Qdrant engines take them: payload fields and the REST form of a filter."""

from typing import Any
from uuid import UUID

from appliance.ports.vector_store import Place, Where

Filter = dict[str, Any]


def matches_nothing(where: Where) -> bool:
    """An empty list of allowed values lets nothing through; Qdrant's own reading of it is not relied on."""
    return () in (where.collections, where.documents, where.agent_owners, where.languages, where.tags)


def filter_of(where: Where) -> Filter:
    """Write a filter as REST has it (qdrant.tech/documentation/search/filtering)."""
    must: list[dict[str, Any]] = [
        {"key": key, "match": {"any": [str(value) for value in values]}}
        for key, values in (
            ("collection", where.collections),
            ("document", where.documents),
            ("agent_owner", where.agent_owners),
            ("language", where.languages),
            ("tags", where.tags),
        )
        if values is not None
    ]
    if where.version is not None:
        must.append({"key": "version", "match": {"value": where.version}})
    found: Filter = {"must": must} if must else {}
    if where.version_not is not None:
        found["must_not"] = [{"key": "version", "match": {"value": where.version_not}}]
    return found


def corpus_of(where: Where) -> Filter | None:
    """Say what idf is counted over: the caller's collections, whatever else narrows the search."""
    return None if where.collections is None else filter_of(Where(collections=where.collections))


def payload_of(place: Place) -> dict[str, Any]:
    """Write what a point may be filtered by."""
    return {
        "document": str(place.document_id),
        "version": place.version,
        "language": place.language,
        **changeable_payload_of(place),
    }


def changeable_payload_of(place: Place) -> dict[str, Any]:
    """Write what may change while the vectors stay."""
    return {
        "collection": str(place.collection_id),
        "agent_owner": place.agent_owner,
        "tags": list(place.tags),
    }


def place_of(payload: dict[str, Any]) -> Place:
    """Read a point's payload."""
    return Place(
        document_id=UUID(payload["document"]),
        collection_id=UUID(payload["collection"]),
        version=payload["version"],
        language=payload["language"],
        agent_owner=payload.get("agent_owner"),
        tags=tuple(payload.get("tags") or ()),
    )
