"""What every Embedder promises, whichever model makes the vectors."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from appliance.core.settings_sections import Embedder as EmbedderSettings
from appliance.engines.memory import MemoryEmbedder
from appliance.engines.minilm import MiniLM
from appliance.engines.ollama_embedder import connect_ollama_embedder
from appliance.ports.embedder import Embedder, PassageVectors, Vector
from tests.engines.fixtures import Reached
from tests.scripted_ollama import ScriptedOllama

ENGINES = ["memory", "minilm", "scripted_ollama", pytest.param("ollama", marks=pytest.mark.engine)]
TEXTS = [
    "The notice period is three months for managers.",
    "Net sales were 3.2 billion dollars in fiscal 2022.",
    "Le préavis est de trois mois.",
    "contract",
    "The cat sat on the mat and looked at the rain behind the window. " * 60,
]


@pytest.fixture(params=ENGINES)
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    made: Embedder
    async with ScriptedOllama() as scripted:
        if request.param == "memory":
            made = MemoryEmbedder()
        elif request.param == "minilm":
            folder: Path = request.getfixturevalue("minilm_folder")
            made = MiniLM(folder, threads=0, convert=False)
        elif request.param == "scripted_ollama":
            made = await connect_ollama_embedder(_settings(scripted.url, "scripted-embed"))
        else:
            server: Reached = request.getfixturevalue("ollama_server")
            made = await connect_ollama_embedder(_settings(server.url, "all-minilm"))
        async with made:
            yield made


def _settings(url: str, model: str) -> EmbedderSettings:
    return EmbedderSettings(kind="ollama", url=url, model=model)


def assert_shaped(embedder: Embedder, dense: Vector, tokens: Vector | None) -> None:
    assert dense.shape == (embedder.dimensions,)
    assert dense.dtype == np.float32
    assert np.linalg.norm(dense) == pytest.approx(1.0, abs=1e-3)
    if embedder.token_dimensions is None:
        assert tokens is None
    else:
        assert tokens is not None
        assert tokens.dtype == np.float32
        assert tokens.shape == (len(tokens), embedder.token_dimensions)
        assert np.isfinite(tokens).all()


def nearness(one: PassageVectors, other: PassageVectors) -> float:
    return float(one.dense @ other.dense)


async def test_passages_come_in_order_with_their_shape(embedder: Embedder) -> None:
    found = await embedder.embed_passages(TEXTS)
    assert len(found) == len(TEXTS)
    for text, vectors in zip(TEXTS, found, strict=True):
        assert_shaped(embedder, vectors.dense, vectors.tokens)
        alone = (await embedder.embed_passages([text]))[0]
        assert nearness(alone, vectors) > 0.98, "company changes little"
        if vectors.tokens is not None:
            assert len(vectors.tokens), "every text has a token that counts"
            assert np.linalg.norm(vectors.tokens, axis=1) == pytest.approx(1.0, abs=0.05)


async def test_the_same_text_is_the_same_vector(embedder: Embedder) -> None:
    first, second = await embedder.embed_passages([TEXTS[0], TEXTS[0]])
    assert nearness(first, second) == pytest.approx(1.0, abs=1e-3)


async def test_texts_that_say_alike_are_nearer(embedder: Embedder) -> None:
    notice, like, other = await embedder.embed_passages(
        ["The notice period is three months.", "the notice period lasts three months", "A recipe for apple cake"]
    )
    assert nearness(notice, like) > nearness(notice, other) + 0.1


async def test_a_question_finds_its_passage(embedder: Embedder) -> None:
    passages = await embedder.embed_passages(TEXTS[:2])
    asked = await embedder.embed_query("notice period for managers")
    assert_shaped(embedder, asked.dense, asked.tokens)
    dense = [float(asked.dense @ passage.dense) for passage in passages]
    assert dense[0] > dense[1]
    if asked.tokens is None:
        assert asked.token_mass == 0
        return
    late = [
        float((asked.tokens @ passage.tokens.T).max(axis=1).sum()) for passage in passages if passage.tokens is not None
    ]
    assert late[0] > late[1]


async def test_the_length_of_a_questions_token_is_its_weight(embedder: Embedder) -> None:
    asked = await embedder.embed_query("What is the notice period?")
    if asked.tokens is None:
        assert embedder.token_dimensions is None
        return
    assert asked.token_mass > 0
    assert np.linalg.norm(asked.tokens, axis=1).sum() == pytest.approx(asked.token_mass, rel=0.05)


async def test_nothing_gives_nothing(embedder: Embedder) -> None:
    assert await embedder.embed_passages([]) == []


@pytest.mark.parametrize("text", ["?", "…", "12", "合同", "a" * 400])
async def test_odd_texts_are_embedded_too(embedder: Embedder, text: str) -> None:
    vectors = (await embedder.embed_passages([text]))[0]
    assert_shaped(embedder, vectors.dense, vectors.tokens)
    asked = await embedder.embed_query(text)
    assert_shaped(embedder, asked.dense, asked.tokens)


async def test_many_at_once(embedder: Embedder) -> None:
    calls = [embedder.embed_passages([text, f"{text} again"]) for text in TEXTS[:4] for _ in range(3)]
    found = await asyncio.gather(*calls, *(embedder.embed_query(text) for text in TEXTS[:4]))
    assert len(found) == 16
    for number, text in enumerate(TEXTS[:4]):
        expected = (await embedder.embed_passages([text]))[0]
        for pair in found[3 * number : 3 * number + 3]:
            assert isinstance(pair, list)
            assert nearness(pair[0], expected) > 0.98


async def test_it_says_what_it_is(embedder: Embedder) -> None:
    assert embedder.identity
    assert embedder.dimensions > 0
    assert embedder.languages is None or all(len(code) == 2 for code in embedder.languages)
    assert (await embedder.check()).ok
