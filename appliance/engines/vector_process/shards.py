"""Collections as shards of Qdrant's engine, a directory each. The only module that imports it.

An update is in the shard's write-ahead log, synced, when the call returns; flushing what it led to and merging segments
wait for a quiet moment. Searches are exact: below some 200 000 points a graph costs more than it saves (ADR 0013).
"""

import contextlib
import ctypes
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import qdrant_edge as qdrant

from appliance.engines.vector_process.protocol import Create, Filter, Scroll, Search, Sparse, WirePoint, is_name

DENSE, WORDS, CHARACTERS, TOKENS = "dense", "words", "characters", "tokens"
_UNFINISHED = "."
"""Names of collections have no point; a directory with one is being made or removed."""
_INDEXES = {
    "collection": qdrant.UuidIndexParams(memory=qdrant.Memory.Cold),
    "document": qdrant.UuidIndexParams(memory=qdrant.Memory.Cold),
    "language": qdrant.KeywordIndexParams(memory=qdrant.Memory.Cold),
    "tags": qdrant.KeywordIndexParams(memory=qdrant.Memory.Cold),
    "agent_owner": qdrant.KeywordIndexParams(memory=qdrant.Memory.Cold),
}
_SEGMENT_KILOBYTES = 30_000
"""Some 4 000 passages. A merge of so much keeps searches waiting 0.6 s, one of 100 000 KB six to nine (ADR 0013)."""
_MUTABLE_KILOBYTES = 20_000
_MERGE_POINTS, _MERGE_POINTS_AT_MOST = 1_000, 8_000
_FLUSH_SECONDS, _FLUSH_SECONDS_AT_MOST = 20.0, 120.0
_QUIET_SECONDS = 1.0
_REST_SECONDS = 60.0
_MADV_DONTNEED = 4


class NoCollection(Exception):
    """There is no collection of that name."""


class Shards:
    """Every collection below a directory, opened at its first use."""

    def __init__(self, directory: Path) -> None:
        """Remove what a crash left half made or half removed."""
        self._directory = directory
        self._open: dict[str, Shard] = {}
        self._released_at = 0.0
        for entry in directory.iterdir():
            if entry.is_dir() and _UNFINISHED in entry.name:
                shutil.rmtree(entry)

    def names(self) -> list[str]:
        """List collections."""
        return sorted(entry.name for entry in self._directory.iterdir() if entry.is_dir())

    def get(self, name: str) -> "Shard":
        """Give a collection, opened. Raises NoCollection."""
        shard = self._open.get(name)
        if shard is None:
            path = self._directory / name
            if not is_name(name) or not path.is_dir():
                raise NoCollection
            shard = self._open[name] = Shard(path)
        return shard

    def create(self, wanted: Create) -> None:
        """Make a collection beside, then give it its name."""
        path = self._directory / wanted.name
        if path.is_dir():
            return
        beside = path.with_name(f"{wanted.name}{_UNFINISHED}new")
        shutil.rmtree(beside, ignore_errors=True)
        made = qdrant.EdgeShard.create(str(beside), _configure(wanted))
        for field, index in _INDEXES.items():
            made.update(qdrant.UpdateOperation.create_field_index(field, index))
        made.flush()
        made.close()
        beside.replace(path)
        _sync(self._directory)

    def drop(self, name: str) -> None:
        """Take a collection's name away, then its files."""
        if not is_name(name):
            return
        path = self._directory / name
        if (shard := self._open.pop(name, None)) is not None:
            shard.close()
        if path.is_dir():
            beside = path.with_name(f"{name}{_UNFINISHED}old")
            shutil.rmtree(beside, ignore_errors=True)
            path.replace(beside)
            _sync(self._directory)
            shutil.rmtree(beside)

    def tend(self) -> None:
        """Flush and merge where it is time to; release memory after that, and when nobody has asked for a while."""
        tended = [shard.tend() for shard in self._open.values()]
        searched_at = max((shard.searched_at for shard in self._open.values()), default=0.0)
        rests = self._released_at < searched_at < time.monotonic() - _REST_SECONDS
        if any(tended) or rests:
            self.release_memory()
            self._released_at = time.monotonic()

    def release_memory(self) -> None:
        """Give freed memory back, and let go of mapped pages of our files: they stay in the kernel's cache."""
        libc = ctypes.CDLL(None)
        with contextlib.suppress(AttributeError):  # glibc's own
            libc.malloc_trim(0)
        for line in Path("/proc/self/maps").read_text().splitlines():
            area, permissions, *_, name = line.split(maxsplit=5)
            if permissions.endswith("s") and name.startswith(str(self._directory)):
                start, end = (int(part, 16) for part in area.split("-"))
                libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)

    def close(self) -> None:
        """Flush and close every collection."""
        for shard in self._open.values():
            shard.close()
        self._open.clear()


class Shard:
    """One collection."""

    def __init__(self, path: Path) -> None:
        """Open it; what the log holds and the segments do not is done again."""
        self._path = path
        self._shard = qdrant.EdgeShard.load(str(path), None)
        self._token_width = self._read_token_width()
        self._written = _MERGE_POINTS  # look once after opening
        self._changed_at: float | None = None
        self.searched_at = 0.0

    def _read_token_width(self) -> int:
        """Read the width of token vectors from the shard's own description; 0 where it has none."""
        described = msgspec.json.decode((self._path / "edge_config.json").read_bytes())
        return int(described["vectors"].get(TOKENS, {}).get("size", 0))

    def upsert(self, points: Iterable[WirePoint]) -> None:
        """Write points."""
        made = [qdrant.Point(point.id, self._vectors(point), point.payload) for point in points]
        self._update(qdrant.UpdateOperation.upsert_points(made), len(made))

    def _vectors(self, point: WirePoint) -> dict[str, Any]:
        vectors: dict[str, Any] = {DENSE: _floats(point.dense)}
        for name, sparse in ((WORDS, point.words), (CHARACTERS, point.characters)):
            if sparse.indices:
                vectors[name] = _sparse(sparse)
        if point.tokens and self._token_width:
            vectors[TOKENS] = _rows(point.tokens, self._token_width)
        return vectors

    def set_payload(self, wanted: Filter, payload: dict[str, Any]) -> None:
        """Change fields of what a filter matches."""
        self._update(qdrant.UpdateOperation.set_payload_by_filter(_filter(wanted), payload), 0)

    def delete(self, wanted: Filter) -> None:
        """Remove what a filter matches."""
        self._update(qdrant.UpdateOperation.delete_points_by_filter(_filter(wanted)), 1)

    def _update(self, operation: Any, points: int) -> None:
        self._shard.update(operation)
        _sync_log(self._path / "wal")
        self._written += points
        if self._changed_at is None:
            self._changed_at = time.monotonic()

    def search(self, wanted: Search) -> list[list[tuple[str, float]]]:
        """Search dense, words and characters in one batch."""
        self.searched_at = time.monotonic()
        allowed = _filter(wanted.filter)
        idf = qdrant.SearchParams(idf=qdrant.IdfParams(corpus=_filter(wanted.corpus))) if wanted.corpus else None
        asked: list[tuple[int, Any]] = []
        if wanted.dense:
            asked.append((0, _ask(_floats(wanted.dense), DENSE, allowed, wanted.limit, None)))
        for place, name, sparse in ((1, WORDS, wanted.words), (2, CHARACTERS, wanted.characters)):
            if sparse.indices:
                asked.append((place, _ask(_sparse(sparse), name, allowed, wanted.limit, idf)))
        found: list[list[tuple[str, float]]] = [[], [], []]
        if asked:
            answers = self._shard.query_batch(qdrant.QueryBatchRequest([request for _, request in asked]))
            for (place, _), hits in zip(asked, answers, strict=True):
                found[place] = _hits(hits)
        return found

    def rescore(self, ids: list[str], tokens: bytes) -> list[tuple[str, float]]:
        """Score points by MaxSim, best first."""
        self.searched_at = time.monotonic()
        if not self._token_width:
            return []
        among = qdrant.Filter(must=[qdrant.HasIdCondition(set(ids))])
        return _hits(self._shard.query(_ask(_rows(tokens, self._token_width), TOKENS, among, len(ids), None)))

    def count(self, wanted: Filter) -> int:
        """Count what a filter matches."""
        return self._shard.count(qdrant.CountRequest(exact=True, filter=_filter(wanted)))

    def scroll(self, wanted: Scroll) -> tuple[list[tuple[str, Any]], str | None]:
        """List a page of ids and payloads, and where the next begins."""
        request = qdrant.ScrollRequest(offset=wanted.offset, limit=wanted.limit, with_payload=True)
        records, following = self._shard.scroll(request)
        page = [(str(record.id), record.payload) for record in records]
        return page, None if following is None else str(following)

    def status(self) -> tuple[int, int]:
        """Count points and segments."""
        info = self._shard.info()
        return info.points_count, info.segments_count

    def tend(self) -> bool:
        """Merge and flush when it is time and nobody has searched for a moment, or when it cannot wait any longer."""
        now = time.monotonic()
        quiet = now - self.searched_at > _QUIET_SECONDS
        tended = False
        if self._written >= (_MERGE_POINTS if quiet else _MERGE_POINTS_AT_MOST):
            self._written = 0
            tended = self._shard.optimize()
        if self._changed_at is not None:
            waited = now - self._changed_at
            if waited > (_FLUSH_SECONDS if quiet else _FLUSH_SECONDS_AT_MOST):
                self._shard.flush()
                self._changed_at = None
                tended = True
        return tended

    def close(self) -> None:
        """Flush and let go of the files."""
        self._shard.flush()
        self._shard.close()


def _configure(wanted: Create) -> Any:
    """Eight-bit vectors; what a search walks through whole is kept near, the rest is read where it is needed."""
    flat = qdrant.HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=1_000_000)
    vectors = {
        DENSE: qdrant.EdgeVectorParams(
            size=wanted.dimensions,
            distance=qdrant.Distance.Dot,
            datatype=qdrant.VectorStorageDatatype.Turbo8,
            hnsw_config=flat,
            memory=qdrant.Memory.Cached,
        )
    }
    if wanted.token_dimensions:
        vectors[TOKENS] = qdrant.EdgeVectorParams(
            size=wanted.token_dimensions,
            distance=qdrant.Distance.Dot,
            datatype=qdrant.VectorStorageDatatype.Turbo8,
            multivector_config=qdrant.MultiVectorConfig(qdrant.MultiVectorComparator.MaxSim),
            hnsw_config=flat,
            memory=qdrant.Memory.Cold,
        )
    # Without a threshold, what a filter leaves of a small segment is scored passage by passage: four times the work.
    sparse = qdrant.EdgeSparseVectorParams(
        modifier=qdrant.Modifier.Idf, memory=qdrant.Memory.Cold, full_scan_threshold=0
    )
    return qdrant.EdgeConfig(
        vectors=vectors,
        sparse_vectors={WORDS: sparse, CHARACTERS: sparse},
        payload_memory=qdrant.Memory.Cold,
        wal_enabled=True,
        optimizers=qdrant.EdgeOptimizersConfig(
            default_segment_number=1, max_segment_size=_SEGMENT_KILOBYTES, indexing_threshold=_MUTABLE_KILOBYTES
        ),
    )


def _ask(vector: Any, using: str, allowed: Any, limit: int, parameters: Any) -> Any:
    query = qdrant.Query.Nearest(vector, using=using)
    return qdrant.QueryRequest(limit=limit, query=query, filter=allowed, params=parameters)


def _hits(points: Iterable[Any]) -> list[tuple[str, float]]:
    return [(str(point.id), point.score) for point in points]


def _filter(wanted: Filter) -> Any:
    """Read the part of Qdrant's REST filters that `qdrant_points` writes."""
    return qdrant.Filter(
        must=[_condition(condition) for condition in wanted.get("must", ())],
        must_not=[_condition(condition) for condition in wanted.get("must_not", ())],
    )


def _condition(condition: dict[str, Any]) -> Any:
    match = condition["match"]
    chosen = qdrant.MatchAny(match["any"]) if "any" in match else qdrant.MatchValue(match["value"])
    return qdrant.FieldCondition(key=condition["key"], match=chosen)


def _floats(data: bytes) -> Any:
    return memoryview(data).cast("f").tolist()


def _rows(data: bytes, width: int) -> Any:
    return memoryview(data).cast("f", (len(data) // (4 * width), width)).tolist()


def _sparse(vector: Sparse) -> Any:
    return qdrant.SparseVector(indices=memoryview(vector.indices).cast("I").tolist(), values=_floats(vector.values))


def _sync_log(directory: Path) -> None:
    """Bring the log to the disk: the engine leaves its pages to the kernel, which outlives the process but no power cut."""
    for entry in os.scandir(directory):
        if entry.name.startswith("open-"):
            _sync(Path(entry.path))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
