"""A Qdrant for several processes where no Qdrant can be had: qdrant-client's own local mode over the REST routes we use.

It filters, fuses and scores as Qdrant documents it, in NumPy, and keeps everything in memory: it stands in for the
server's answers, never for its speed or its files. A real one is used where APPLIANCE_TEST_QDRANT_URL names it.
`python -m tests.engines.qdrant_stand_in --port 6333` runs one.
"""

import argparse
import asyncio
import re
import signal
import time
import warnings
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from qdrant_client import QdrantClient, models

from tests.scripted_wire import Exchange, Received, WireServer

VERSION = "1.18.0"
_Answer = Callable[["QdrantStandIn", str, Any], Any]


class QdrantStandIn(WireServer):
    """Serves one in-memory QdrantClient. Calls are answered one after the other, as they come."""

    def __init__(self, *, port: int = 0, api_key: str = "") -> None:
        super().__init__(port=port)
        self.client = QdrantClient(":memory:")
        self._api_key = api_key

    async def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        self.received.clear()  # a long run sends many vectors
        started = time.perf_counter()
        if self._api_key and request.headers.get("api-key") != self._api_key:
            await exchange.answer_json({"status": {"error": "Must provide an API key"}}, status=401)
            return
        try:
            result = self._route(request)
        except KeyError:
            await exchange.answer_json({"status": {"error": f"Not found: {request.path}"}}, status=404)
            return
        except (ValueError, ValidationError) as error:
            status = 404 if "not found" in str(error) else 409 if "already exists" in str(error) else 400
            await exchange.answer_json({"status": {"error": str(error)}}, status=status)
            return
        if request.path == "/":
            await exchange.answer_json(result)
            return
        answer = {"result": _plain(result), "status": "ok", "time": time.perf_counter() - started}
        await exchange.answer_json(answer)

    def _route(self, request: Received) -> Any:
        path = request.path.partition("?")[0].rstrip("/") or "/"
        if path in {"/", "/healthz", "/readyz"}:
            return {"title": "qdrant - vector search engine", "version": VERSION, "commit": ""}
        matched = re.fullmatch(r"/collections(?:/([^/]+))?(/.+)?", path)
        if matched is None:
            raise KeyError(path)
        name, rest = matched[1] or "", matched[2] or ""
        answer = _ROUTES[request.method, "list" if not name else rest]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # local mode says that it builds no index
            return answer(self, name, request.body)

    def list_collections(self, _name: str, _body: Any) -> Any:
        return self.client.get_collections()

    def get_collection(self, name: str, _body: Any) -> Any:
        return self.client.get_collection(name)

    def has_collection(self, name: str, _body: Any) -> Any:
        return {"exists": self.client.collection_exists(name)}

    def create_collection(self, name: str, body: Any) -> Any:
        wanted = _parse(models.CreateCollection, body)
        return self.client.create_collection(
            name, vectors_config=wanted.vectors, sparse_vectors_config=wanted.sparse_vectors
        )

    def delete_collection(self, name: str, _body: Any) -> Any:
        there = self.client.collection_exists(name)
        self.client.delete_collection(name)
        return there

    def nothing_to_do(self, name: str, _body: Any) -> Any:
        self.client.get_collection(name)
        return _done()

    def upsert(self, name: str, body: Any) -> Any:
        if "batch" in body:
            return self.client.upsert(name, _parse(models.PointsBatch, body).batch)
        return self.client.upsert(name, _parse(models.PointsList, body).points)

    def delete_points(self, name: str, body: Any) -> Any:
        return self.client.delete(name, _parse(models.PointsSelector, body))

    def set_payload(self, name: str, body: Any) -> Any:
        wanted = _parse(models.SetPayload, body)
        chosen = wanted.points if wanted.points is not None else wanted.filter
        assert chosen is not None
        return self.client.set_payload(name, wanted.payload, chosen, key=wanted.key)

    def overwrite_payload(self, name: str, body: Any) -> Any:
        wanted = _parse(models.SetPayload, body)
        chosen = wanted.points if wanted.points is not None else wanted.filter
        assert chosen is not None
        return self.client.overwrite_payload(name, wanted.payload, chosen)

    def batch(self, name: str, body: Any) -> Any:
        operations = _parse(models.UpdateOperations, body).operations
        self.client.batch_update_points(name, operations)
        return [_done() for _ in operations]

    def retrieve(self, name: str, body: Any) -> Any:
        wanted = _parse(models.PointRequest, body)
        return self.client.retrieve(
            name, wanted.ids, with_payload=_default(wanted.with_payload, True), with_vectors=wanted.with_vector or False
        )

    def count(self, name: str, body: Any) -> Any:
        wanted = _parse(models.CountRequest, body)
        return self.client.count(name, count_filter=wanted.filter, exact=True)

    def scroll(self, name: str, body: Any) -> Any:
        wanted = _parse(models.ScrollRequest, body)
        points, following = self.client.scroll(
            name,
            scroll_filter=wanted.filter,
            limit=wanted.limit or 10,
            offset=wanted.offset,
            with_payload=_default(wanted.with_payload, True),
            with_vectors=wanted.with_vector or False,
        )
        return {"points": points, "next_page_offset": following}

    def query(self, name: str, body: Any) -> Any:
        return self._answer_query(name, _parse(models.QueryRequest, body))

    def query_batch(self, name: str, body: Any) -> Any:
        wanted = _parse(models.QueryRequestBatch, body)
        return [self._answer_query(name, search) for search in wanted.searches]

    def _answer_query(self, name: str, wanted: models.QueryRequest) -> Any:
        return self.client.query_batch_points(name, [wanted])[0]


_ROUTES: dict[tuple[str, str], _Answer] = {
    ("GET", "list"): QdrantStandIn.list_collections,
    ("GET", ""): QdrantStandIn.get_collection,
    ("GET", "/exists"): QdrantStandIn.has_collection,
    ("PUT", ""): QdrantStandIn.create_collection,
    ("PATCH", ""): QdrantStandIn.nothing_to_do,
    ("DELETE", ""): QdrantStandIn.delete_collection,
    ("PUT", "/index"): QdrantStandIn.nothing_to_do,
    ("PUT", "/points"): QdrantStandIn.upsert,
    ("POST", "/points"): QdrantStandIn.retrieve,
    ("POST", "/points/delete"): QdrantStandIn.delete_points,
    ("POST", "/points/payload"): QdrantStandIn.set_payload,
    ("PUT", "/points/payload"): QdrantStandIn.overwrite_payload,
    ("POST", "/points/batch"): QdrantStandIn.batch,
    ("POST", "/points/count"): QdrantStandIn.count,
    ("POST", "/points/scroll"): QdrantStandIn.scroll,
    ("POST", "/points/query"): QdrantStandIn.query,
    ("POST", "/points/query/batch"): QdrantStandIn.query_batch,
}


def _parse(kind: Any, body: Any) -> Any:
    return TypeAdapter(kind).validate_python(body)


def _default(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def _done() -> dict[str, Any]:
    return {"operation_id": 0, "status": "completed"}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


async def _serve(port: int, api_key: str) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with QdrantStandIn(port=port, api_key=api_key) as server:
        print(server.url, flush=True)
        await stopped.wait()


def main() -> None:
    """Run one until it is told to stop; its address is printed once it listens."""
    parser = argparse.ArgumentParser(description="Run a stand-in for a Qdrant server.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--api-key", default="")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.api_key))


if __name__ == "__main__":
    main()
