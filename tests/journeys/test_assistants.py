"""The example assistants from the command line: installed, exported, imported, and how well messages reach them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_APPLIANCE = Path(sys.executable).with_name("appliance")
_SET = Path(__file__).parents[1] / "data" / "routing"


def run(directory: Path, weights: Path, *arguments: str, language: str = "C") -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": language,
        "APPLIANCE_EMBEDDER__MODEL": str(weights),
        "APPLIANCE_LANGUAGE_MODEL__KIND": "none",
    }
    command = [str(_APPLIANCE), *arguments, "--data-dir", str(directory)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=180, check=False)


@pytest.mark.slow
def test_the_examples_and_how_messages_reach_them(tmp_path: Path, minilm_folder: Path) -> None:
    directory = tmp_path / "var"
    installed = run(directory, minilm_folder, "assistants", "examples", "--json")
    assert installed.returncode == 0, installed.stderr
    assert json.loads(installed.stdout)["assistants"] == ["audrey", "carole"]

    exported = run(directory, minilm_folder, "assistants", "export", "audrey")
    file = tmp_path / "audrey.toml"
    file.write_text(exported.stdout, encoding="utf-8")
    refused = run(directory, minilm_folder, "assistants", "import", str(file))
    assert refused.returncode == 1
    assert "hint:" in refused.stderr
    assert run(directory, minilm_folder, "assistants", "import", str(file), "--replace").returncode == 0
    assert run(directory, minilm_folder, "assistants", "export", "audrey").stdout == exported.stdout
    listed = run(directory, minilm_folder, "assistants", "list", language="fr_FR.UTF-8").stdout
    assert "activé" in listed

    done = run(directory, minilm_folder, "eval", "routing", str(_SET), "--json")
    assert done.returncode == 0, done.stderr
    kept = json.loads(done.stdout)
    assert (kept["kind"], kept["name"], kept["questions"]) == ("routing", "routing", 274)
    measures = kept["measures"]
    assert measures["cross-validated accuracy"] >= 0.9
    assert measures["shipped accuracy"] >= 0.85
    assert min(measures["shipped accuracy fr"], measures["shipped accuracy en"]) >= 0.8
    assert measures["shipped calibration error"] <= 0.08
    counted = kept["runs"]["shipped"]["confusion"]
    assert sum(sum(row.values()) for row in counted.values()) == 274


def test_a_set_that_cannot_be_read_is_said(tmp_path: Path, minilm_folder: Path) -> None:
    broken = tmp_path / "messages.jsonl"
    broken.write_text('{"id": "1", "text": "x"}\n', encoding="utf-8")
    done = run(tmp_path / "var", minilm_folder, "eval", "routing", str(broken))
    assert done.returncode == 1
    assert "line 1" in done.stderr
