"""The durable work about documents, as it stands in the queue: its kinds, keys and payloads."""

from uuid import UUID

from appliance.ports.job_queue import NewJob

INDEX_JOB, DELETE_JOB, PLACE_JOB = "document.index", "document.delete", "document.place"


def index_work(document_id: UUID, *, owner_id: UUID | None) -> NewJob:
    """Read a document and put it into the index."""
    payload = {"document_id": str(document_id)}
    return NewJob(kind=INDEX_JOB, payload=payload, owner_id=owner_id, key=f"index:{document_id}")


def place_work(document_id: UUID, *, owner_id: UUID | None) -> NewJob:
    """Carry new labels of a document over to its points."""
    payload = {"document_id": str(document_id)}
    return NewJob(kind=PLACE_JOB, payload=payload, owner_id=owner_id, key=f"place:{document_id}", priority=5)


def delete_work(document_id: UUID, *, sha256: str, index_job: UUID | None, owner_id: UUID | None) -> NewJob:
    """Remove a document's points, passages, text and bytes, once `index_job` has let go of it.

    `sha256` names the bytes for a second attempt, after the row is gone.
    """
    index = str(index_job) if index_job else None
    payload = {"document_id": str(document_id), "sha256": sha256, "index_job": index}
    return NewJob(kind=DELETE_JOB, payload=payload, owner_id=owner_id, key=f"delete:{document_id}", priority=10)
