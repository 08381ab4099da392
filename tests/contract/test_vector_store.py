"""What every VectorStore promises, whichever holds the vectors."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import numpy as np
import pytest

from appliance.core.errors import EngineFailed
from appliance.core.settings_sections import VectorStore as VectorStoreSettings
from appliance.engines.memory import MemoryVectorStore
from appliance.engines.qdrant_edge import QdrantEdgeStore
from appliance.engines.qdrant_server import QdrantServerStore
from appliance.ports.analyzer import LexicalVectors, SparseVector
from appliance.ports.embedder import PassageVectors, QueryVectors, Vector
from appliance.ports.vector_store import Hit, Place, Point, VectorShape, VectorStore, Where
from tests.engines.fixtures import Reached

SHAPE = VectorShape(dimensions=8, token_dimensions=4)
MINE, YOURS = UUID(int=1), UUID(int=2)
TOLERANCE = 0.03  # eight bits a number


@pytest.fixture(params=["memory", "qdrant_edge", pytest.param("qdrant", marks=pytest.mark.engine)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorStore]:
    made: VectorStore
    if request.param == "memory":
        made = MemoryVectorStore()
    elif request.param == "qdrant_edge":
        made = QdrantEdgeStore(tmp_path / "vectors")
    else:
        server: Reached = request.getfixturevalue("qdrant_server")
        made = QdrantServerStore(VectorStoreSettings(kind="qdrant", url=server.url))
    async with made:
        yield made


@pytest.fixture
async def name(store: VectorStore) -> AsyncIterator[str]:
    made = f"passages-{uuid4().hex[:12]}"
    await store.create(made, SHAPE)
    yield made
    await store.drop(made)


def unit(*values: float) -> Vector:
    """The first numbers of a vector of length one."""
    vector = np.zeros(8, dtype=np.float32)
    vector[: len(values)] = values
    return vector / np.float32(np.linalg.norm(vector))


def axis(number: int, *, of: int = 8) -> Vector:
    return np.eye(of, dtype=np.float32)[number]


def sparse(**weights: float) -> SparseVector:
    """`t3=1.5`: term 3 weighs 1.5."""
    terms = sorted((int(name[1:]), weight) for name, weight in weights.items())
    return SparseVector(
        np.array([term for term, _ in terms], dtype=np.uint32), np.array([weight for _, weight in terms], np.float32)
    )


def lexical(words: SparseVector | None = None, characters: SparseVector | None = None) -> LexicalVectors:
    return LexicalVectors(words or sparse(), characters or sparse())


def point(
    number: int,
    *,
    collection: UUID = MINE,
    document: int = 1,
    version: int = 1,
    language: str = "en",
    owner: str | None = None,
    tags: tuple[str, ...] = (),
    dense: Vector | None = None,
    tokens: Vector | None = None,
    text: LexicalVectors | None = None,
) -> Point:
    place = Place(
        document_id=UUID(int=1000 + document),
        collection_id=collection,
        version=version,
        language=language,
        agent_owner=owner,
        tags=tags,
    )
    vectors = PassageVectors(axis(number % 8) if dense is None else dense, tokens)
    return Point(UUID(int=number + 1), place, text or lexical(sparse(t1=1.0)), vectors)


async def dense_ids(store: VectorStore, name: str, where: Where, *, limit: int = 100) -> set[int]:
    query = QueryVectors(unit(*[1] * 8))
    found = await store.search(name, vectors=query, lexical=lexical(), where=where, limit=limit)
    return numbers(found.dense)


def numbers(hits: Sequence[Hit]) -> set[int]:
    return {hit.id.int - 1 for hit in hits}


def ordered(hits: Sequence[Hit]) -> list[int]:
    return [hit.id.int - 1 for hit in hits]


async def everything(store: VectorStore, name: str) -> dict[int, Place]:
    return {found.int - 1: place async for found, place in store.scan(name)}


async def test_making_and_removing_twice_is_harmless(store: VectorStore, name: str) -> None:
    await store.upsert(name, [point(1)])
    await store.create(name, SHAPE)
    assert await store.count(name, Where()) == 1, "making it again keeps what is there"
    assert name in await store.names()
    other = f"other-{uuid4().hex[:12]}"
    await store.create(other, SHAPE)
    assert {name, other} <= set(await store.names())
    await store.drop(other)
    await store.drop(other)
    assert other not in await store.names()
    await store.create(other, SHAPE)
    assert await store.count(other, Where()) == 0, "what was removed does not come back"
    await store.drop(other)


async def test_a_collection_that_is_not_there(store: VectorStore) -> None:
    missing = f"missing-{uuid4().hex[:12]}"
    await store.delete(missing, Where(documents=(MINE,)))
    await store.update_place(missing, MINE, point(1).place)
    assert await store.count(missing, Where()) == 0
    with pytest.raises(EngineFailed):
        await store.upsert(missing, [point(1)])
    with pytest.raises(EngineFailed):
        await dense_ids(store, missing, Where())
    assert missing not in await store.names()


async def test_each_view_finds_its_best_first(store: VectorStore, name: str) -> None:
    await store.upsert(
        name,
        [
            point(1, dense=axis(1), text=lexical(sparse(t1=1.0), sparse(t9=0.5))),
            point(2, dense=unit(0, 1, 1), text=lexical(sparse(t1=2.0, t2=1.0), sparse(t8=1.0))),
            point(3, dense=axis(2), text=lexical(sparse(t3=1.0), sparse(t9=1.5))),
        ],
    )
    question = lexical(sparse(t1=1.0, t7=1.0), sparse(t9=1.0))
    found = await store.search(name, vectors=QueryVectors(unit(0, 3, 1)), lexical=question, where=Where(), limit=10)
    assert ordered(found.dense) == [1, 2, 3]
    assert found.dense[0].score == pytest.approx(3 / math.sqrt(10), abs=TOLERANCE)
    assert ordered(found.words) == [2, 1], "only what shares a word"
    assert ordered(found.characters) == [3, 1]
    best = await store.search(name, vectors=QueryVectors(unit(0, 3, 1)), lexical=question, where=Where(), limit=1)
    assert [ordered(view) for view in (best.dense, best.words, best.characters)] == [[1], [2], [3]]


async def test_words_alone(store: VectorStore, name: str) -> None:
    await store.upsert(name, [point(1), point(2, text=lexical(sparse(t2=1.0)))])
    found = await store.search(name, vectors=None, lexical=lexical(sparse(t2=1.0)), where=Where(), limit=5)
    assert (found.dense, ordered(found.words), found.characters) == ([], [2], [])
    nothing = await store.search(name, vectors=None, lexical=lexical(), where=Where(), limit=5)
    assert (nothing.dense, nothing.words, nothing.characters) == ([], [], [])


async def test_nobody_finds_what_their_collections_do_not_hold(store: VectorStore, name: str) -> None:
    await store.upsert(name, [point(1), point(2, collection=YOURS), point(3)])
    assert await dense_ids(store, name, Where(collections=(MINE,))) == {1, 3}
    assert await dense_ids(store, name, Where(collections=(YOURS,))) == {2}
    assert await dense_ids(store, name, Where(collections=(MINE, YOURS))) == {1, 2, 3}
    assert await dense_ids(store, name, Where(collections=(UUID(int=77),))) == set()
    assert await dense_ids(store, name, Where()) == {1, 2, 3}
    found = await store.search(
        name, vectors=None, lexical=lexical(sparse(t1=1.0)), where=Where(collections=(YOURS,)), limit=9
    )
    assert numbers(found.words) == {2}


@pytest.mark.parametrize("field", ["collections", "documents", "agent_owners", "languages", "tags"])
async def test_an_empty_list_lets_nothing_through(store: VectorStore, name: str, field: str) -> None:
    await store.upsert(name, [point(1, owner="a", tags=("x",))])
    nothing = msgspec.structs.replace(Where(), **{field: ()})
    found = await store.search(
        name, vectors=QueryVectors(axis(1)), lexical=lexical(sparse(t1=1.0)), where=nothing, limit=9
    )
    assert (found.dense, found.words, found.characters) == ([], [], [])
    assert await store.count(name, nothing) == 0
    await store.delete(name, nothing)
    assert await store.count(name, Where()) == 1


async def test_every_filter_narrows(store: VectorStore, name: str) -> None:
    await store.upsert(
        name,
        [
            point(1, document=1, language="fr", owner="fatou", tags=("law", "2024")),
            point(2, document=2, language="en", owner="kofi", tags=("law",)),
            point(3, document=2, language="en", version=2),
        ],
    )
    document = point(1, document=2).place.document_id
    for where, expected in (
        (Where(documents=(document,)), {2, 3}),
        (Where(languages=("fr",)), {1}),
        (Where(languages=("fr", "en")), {1, 2, 3}),
        (Where(agent_owners=("fatou", "kofi")), {1, 2}),
        (Where(tags=("2024", "none")), {1}),
        (Where(tags=("law",)), {1, 2}),
        (Where(version=2), {3}),
        (Where(version_not=2), {1, 2}),
        (Where(documents=(document,), version_not=2), {2}),
        (Where(collections=(MINE,), tags=("law",), languages=("en",)), {2}),
        (Where(collections=(YOURS,), tags=("law",)), set()),
    ):
        assert await dense_ids(store, name, where) == expected, where
        assert await store.count(name, where) == len(expected), where


async def test_the_same_id_again_replaces(store: VectorStore, name: str) -> None:
    tokens = np.stack([axis(0, of=4)])
    await store.upsert(name, [point(1, tags=("old",), tokens=tokens, text=lexical(sparse(t1=1.0), sparse(t9=1.0)))])
    await store.upsert(name, [point(1, collection=YOURS, dense=axis(5), text=lexical(sparse(t2=1.0)))])
    assert await store.count(name, Where()) == 1
    assert await store.count(name, Where(tags=("old",))) == 0
    assert await dense_ids(store, name, Where(collections=(MINE,))) == set()
    question = lexical(sparse(t1=1.0, t2=1.0), sparse(t9=1.0))
    found = await store.search(
        name, vectors=QueryVectors(axis(5)), lexical=question, where=Where(collections=(YOURS,)), limit=5
    )
    assert found.dense[0].score == pytest.approx(1.0, abs=TOLERANCE)
    assert ordered(found.words) == [1]
    assert found.characters == [], "a view it has no more is gone"
    assert await store.rescore(name, [UUID(int=2)], QueryVectors(axis(5), tokens)) == []


async def test_rescoring_sums_the_best_of_each_weighted_token(store: VectorStore, name: str) -> None:
    first, second, third = axis(0, of=4), axis(1, of=4), axis(2, of=4)
    await store.upsert(
        name,
        [
            point(1, tokens=np.stack([first, third])),
            point(2, tokens=np.stack([second, first, second])),
            point(3, tokens=np.stack([third])),
            point(4),
            point(5, tokens=np.stack([first, second])),
        ],
    )
    asked = QueryVectors(axis(1), np.stack([first * 2, second * 5]), 7.0)
    every = [UUID(int=number + 1) for number in (1, 2, 3, 4)]
    found = await store.rescore(name, every, asked)
    assert ordered(found) == [2, 1, 3], "without token vectors, or not asked for, it is left out"
    assert [hit.score for hit in found] == pytest.approx([7.0, 2.0, 0.0], abs=7 * TOLERANCE)
    assert await store.rescore(name, [], asked) == []
    assert await store.rescore(name, every, QueryVectors(axis(1))) == []
    assert await store.rescore(name, [UUID(int=99)], asked) == []


async def test_a_collection_without_token_vectors(store: VectorStore) -> None:
    plain = f"plain-{uuid4().hex[:12]}"
    await store.create(plain, VectorShape(8, None))
    await store.upsert(plain, [point(1)])
    assert await dense_ids(store, plain, Where()) == {1}
    assert await store.rescore(plain, [UUID(int=2)], QueryVectors(axis(1))) == []
    await store.drop(plain)


async def test_idf_is_counted_over_what_the_caller_may_read(store: VectorStore, name: str) -> None:
    """Term 1 is rare among mine and common among yours; whether yours exist must not show in what I am given."""
    rare, common = lexical(sparse(t1=1.0)), lexical(sparse(t2=1.0))
    mine = [point(number, text=rare if number == 1 else common) for number in range(1, 6)]
    await store.upsert(name, mine)
    question = lexical(sparse(t1=1.0, t2=1.0))
    where = Where(collections=(MINE,))
    alone = await store.search(name, vectors=None, lexical=question, where=where, limit=9)
    await store.upsert(name, [point(100 + number, collection=YOURS, text=rare) for number in range(40)])
    beside = await store.search(name, vectors=None, lexical=question, where=where, limit=9)
    expected = {number: math.log((5 - held + 0.5) / (held + 0.5) + 1) for number, held in ((1, 1), (2, 4))}
    for found in (alone, beside):
        scores = {hit.id.int - 1: hit.score for hit in found.words}
        assert ordered(found.words)[0] == 1
        assert scores[1] == pytest.approx(expected[1], rel=1e-3)
        assert scores[2] == pytest.approx(expected[2], rel=1e-3)
    narrowed = await store.search(
        name, vectors=None, lexical=question, where=Where(collections=(MINE,), languages=("en",)), limit=9
    )
    assert [hit.score for hit in narrowed.words] == pytest.approx([hit.score for hit in alone.words], rel=1e-3)


async def test_a_place_changes_and_the_vectors_stay(store: VectorStore, name: str) -> None:
    tokens = np.stack([axis(0, of=4)])
    text = lexical(sparse(t1=1.0), sparse(t9=1.0))
    old = point(1, tags=("old",), owner="fatou", tokens=tokens, text=text)
    await store.upsert(name, [old, point(2, version=2, tags=("old",)), point(3, document=2, tags=("old",))])
    changed = point(1, collection=YOURS, tags=("new", "two"), version=2, language="fr").place
    await store.update_place(name, old.place.document_id, changed)
    places = await everything(store, name)
    assert places[1] == point(1, collection=YOURS, tags=("new", "two")).place, "version and language stay"
    assert places[2].version == 2
    assert places[3].tags == ("old",)
    assert await store.count(name, Where(agent_owners=("fatou",))) == 0
    where = Where(collections=(YOURS,), tags=("new",))
    found = await store.search(name, vectors=QueryVectors(axis(1)), lexical=text, where=where, limit=5)
    assert (ordered(found.dense)[0], numbers(found.words), numbers(found.characters)) == (1, {1, 2}, {1})
    assert ordered(await store.rescore(name, [old.id], QueryVectors(axis(1), tokens))) == [1]


async def test_deleting_by_version_leaves_the_other(store: VectorStore, name: str) -> None:
    await store.upsert(name, [point(1), point(2, version=2), point(3, version=3), point(4, document=2)])
    document = point(1).place.document_id
    await store.delete(name, Where(documents=(document,), version=3))
    assert set(await everything(store, name)) == {1, 2, 4}
    await store.delete(name, Where(documents=(document,), version_not=2))
    assert set(await everything(store, name)) == {2, 4}
    await store.delete(name, Where(documents=(document,)))
    await store.delete(name, Where(documents=(document,)))
    assert set(await everything(store, name)) == {4}
    assert await dense_ids(store, name, Where()) == {4}


async def test_scanning_meets_every_point_once(store: VectorStore, name: str) -> None:
    await store.upsert(name, [point(number, tags=(f"t{number}",), owner="kofi") for number in range(1_203)])
    met = [found.int - 1 async for found, _ in store.scan(name)]
    assert sorted(met) == list(range(1_203))
    assert (await everything(store, name))[1_202] == point(1_202, tags=("t1202",), owner="kofi").place


async def test_searches_and_writes_at_once(store: VectorStore, name: str) -> None:
    await store.upsert(name, [point(number) for number in range(8)])

    async def write(document: int) -> None:
        made = [point(document * 100 + number, document=document) for number in range(20)]
        await store.upsert(name, made)
        await store.delete(name, Where(documents=(made[0].place.document_id,), version_not=2))
        await store.upsert(name, made)

    async def look() -> None:
        for _ in range(5):
            assert await dense_ids(store, name, Where(documents=(point(1).place.document_id,))) == set(range(8))

    await asyncio.gather(*(write(document) for document in range(2, 8)), *(look() for _ in range(6)))
    assert await store.count(name, Where()) == 8 + 6 * 20


async def test_it_says_how_it_is(store: VectorStore, name: str) -> None:
    assert name in await store.names()
    assert (await store.check()).ok
