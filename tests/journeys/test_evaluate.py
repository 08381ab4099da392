"""`appliance eval retrieval` over the whole appliance, opened in its own process, on two small sets."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.made_files import pdf

_APPLIANCE = Path(sys.executable).with_name("appliance")


def write(path: Path, *lines: object) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def run(directory: Path, weights: Path, *arguments: str, language: str = "C") -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": language,
        "APPLIANCE_EMBEDDER__MODEL": str(weights),
        "APPLIANCE_LANGUAGE_MODEL__KIND": "none",
    }
    command = [str(_APPLIANCE), *arguments, "--data-dir", str(directory)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    pages = [
        [(72, 700, "The harbour was dredged by two ships in the spring of that year.")],
        [(72, 700, "Revenue of the cheese division rose to 412 million euros.")],
        [(72, 700, "The board thanked the gardeners for the new roses in the courtyard.")],
    ]
    (folder / "annual.pdf").write_bytes(pdf(pages))
    (folder / "notes.txt").write_text("Bicycles are kept in the cellar behind the boiler.", encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    write(
        folder / "questions.jsonl",
        {"id": "q1", "text": "What was the revenue of the cheese division?", "answer": "412 million"},
        {"id": "q2", "text": "Where are bicycles kept?"},
    )
    write(
        folder / "qrels.jsonl",
        {"qid": "q1", "document": "annual.pdf", "page": 2, "rel": 1},
        {"qid": "q2", "document": "notes.txt", "rel": 1},
    )
    return folder


def test_files_and_pages(reports: Path, tmp_path: Path, minilm_folder: Path) -> None:
    done = run(tmp_path / "var", minilm_folder, "eval", "retrieval", str(reports), "--json")
    assert done.returncode == 0, done.stderr
    assert "broken.pdf" in done.stderr, "a file that cannot be read is said, and costs the others nothing"
    kept: dict[str, Any] = json.loads(done.stdout)
    assert (kept["name"], kept["questions"]) == ("reports", 2)
    assert kept["measures"]["hit@1"] == 1
    assert kept["measures"]["nDCG@10"] == 1
    assert kept["configuration"]["vectors"].startswith("all-minilm-l6-v2")
    assert kept["results"][0]["found"][0] == {"document": "annual.pdf", "page": 2}


def test_a_corpus_and_what_stays(tmp_path: Path, minilm_folder: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    texts = {"a": ("Bees", "Bees & wasps <sting> when they are disturbed."), "b": ("", "Le pont fut détruit en 1943.")}
    write(
        folder / "corpus.jsonl", *({"id": name, "title": title, "text": text} for name, (title, text) in texts.items())
    )
    write(
        folder / "queries.jsonl",
        {"id": "1", "text": "Quand le pont fut-il détruit ?"},
        {"id": "2", "text": "Do wasps sting?"},
    )
    write(folder / "qrels.jsonl", {"qid": "1", "did": "b", "rel": 1}, {"qid": "2", "did": "a", "rel": 1})
    directory = tmp_path / "var"
    done = run(directory, minilm_folder, "eval", "retrieval", str(folder), "--keep", language="fr_FR.UTF-8")
    assert done.returncode == 0, done.stderr
    assert "nDCG@10" in done.stdout
    assert "valeur" in done.stdout
    again = run(directory, minilm_folder, "eval", "retrieval", str(folder), "--json")
    assert json.loads(again.stdout)["measures"]["hit@1"] == 1
    asked = run(directory, minilm_folder, "ask", "Do wasps sting?", "--json")
    assert json.loads(asked.stdout)["sources"] == [], "without --keep nothing of a set is left to be found"


def test_a_folder_that_is_no_set(tmp_path: Path, minilm_folder: Path) -> None:
    done = run(tmp_path / "var", minilm_folder, "eval", "retrieval", str(tmp_path))
    assert done.returncode == 1
    assert "hint:" in done.stderr
    assert run(tmp_path / "var", minilm_folder, "eval", "retrieval", str(tmp_path / "absent")).returncode == 2
