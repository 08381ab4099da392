"""The models' room: a model comes over the network while one looks, a file is brought in, roles are given, one is deleted."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.harness import Rest, Server, running
from tests.scripted_models import Pull, ScriptedModels

LAN = "127.0.0.1:5000/library"


@pytest.fixture(scope="module")
def engine() -> Iterator[ScriptedModels]:
    """An Ollama whose models come and go, on a thread of its own."""
    made = ScriptedModels(models=["scripted:latest", "other:latest"])
    loop, listening, leaving = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with made:
            listening.set()
            await leaving.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="engine")
    thread.start()
    assert listening.wait(10)
    yield made
    loop.call_soon_threadsafe(leaving.set)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, minilm_folder: Path, engine: ScriptedModels) -> Iterator[Server]:
    """An appliance of this module's own, over that engine."""
    engines = {
        "APPLIANCE_EMBEDDER__MODEL": str(minilm_folder),
        "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
        "APPLIANCE_LANGUAGE_MODEL__URL": engine.url,
    }
    with running(tmp_path_factory.mktemp("models"), **engines) as made:
        yield made


@pytest.fixture(scope="module")
def rest(server: Server, browser: Browser) -> Iterator[Rest]:
    context = browser.new_context()
    yield Rest(context, server)
    context.close()


@pytest.fixture
def page(sign_in: Callable[..., Page]) -> Page:
    """The room, as an admin sees it."""
    opened = sign_in(role="admin", expected=("403 (Forbidden)",))
    opened.goto("/#/models")
    expect(opened.get_by_role("button", name="scripted:latest", exact=True)).to_be_visible()
    return opened


def test_a_pull_survives_a_reload_and_is_stopped(page: Page, engine: ScriptedModels) -> None:
    engine.pulls = Pull(steps=1000, seconds_per_step=0.2)
    page.get_by_role("button", name="Fetch a model").click()
    page.get_by_role("textbox", name="Model").fill("llama3")
    page.get_by_role("button", name="Fetch", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is fetched from outside")
    page.get_by_role("textbox", name="Model").fill(f"{LAN}/slow")
    page.get_by_role("button", name="Fetch", exact=True).click()
    bar = page.get_by_role("progressbar", name=f"Fetching {LAN}/slow")
    expect(bar).to_have_attribute("aria-valuetext", re.compile("of 977"))
    page.reload()
    expect(bar).to_have_attribute("aria-valuetext", re.compile("of 977"))
    page.get_by_role("button", name=f"Stop {LAN}/slow").click()
    expect(page.get_by_text("slow: stopped")).to_be_visible()
    expect(bar).to_have_count(0)
    assert f"{LAN}/slow:latest" not in engine.models


def test_a_model_is_fetched_loaded_measured_and_deleted(page: Page, engine: ScriptedModels) -> None:
    engine.pulls = Pull()
    page.get_by_role("button", name="Fetch a model").click()
    page.get_by_role("textbox", name="Model").fill(f"{LAN}/quick")
    page.get_by_role("button", name="Fetch", exact=True).click()
    row = page.get_by_role("listitem").filter(has=page.get_by_role("button", name=f"{LAN}/quick:latest", exact=True))
    expect(row).to_contain_text("On disk")

    def choose(what: str) -> None:
        page.get_by_role("button", name=f"Actions for {LAN}/quick:latest").click()
        page.get_by_role("menuitem", name=what).click()

    choose("Load")
    page.get_by_role("textbox", name="Context length").fill("12")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_text("A whole number, 128 or more")).to_be_visible()
    page.get_by_role("textbox", name="Context length").fill("512")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(row).to_contain_text("In memory")
    expect(row).to_contain_text("context 512")
    expect(page.get_by_role("figure").filter(has_text=f"{LAN}/quick:latest")).to_be_visible()
    choose("Speed test")
    expect(row).to_contain_text("tokens/s")
    choose("Unload")
    expect(row).to_contain_text("On disk")
    page.get_by_label("Answers").select_option(f"{LAN}/quick:latest")
    expect(row).to_contain_text("Routing")
    choose("Delete")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It serves now: Answers, Routing")
    dialog.get_by_role("button", name="Delete the model").click()
    expect(row).to_have_count(0)
    expect(page.get_by_label("Answers")).to_have_value("")


def test_a_file_is_dropped_and_brought_in(page: Page, tmp_path: Path, engine: ScriptedModels) -> None:
    page.get_by_role("button", name="Bring a file in").click()
    chosen = page.locator("dialog input[type=file]")
    archive, model = tmp_path / "archive.gguf", tmp_path / "Tiny Model.gguf"
    archive.write_bytes(b"PK\x03\x04" + bytes(100))
    model.write_bytes(b"GGUF\x03\x00\x00\x00" + bytes(200_000))
    chosen.set_input_files(archive)
    expect(page.get_by_text("This is no GGUF file")).to_be_visible()
    chosen.set_input_files(model)
    expect(page.get_by_role("textbox", name="Name of the model")).to_have_value("tiny-model")
    page.get_by_role("button", name="Bring in", exact=True).click()
    expect(page.get_by_role("button", name="tiny-model:latest", exact=True)).to_be_visible()
    assert "tiny-model:latest" in engine.models
    page.get_by_role("button", name="Verify again").click()
    expect(page.get_by_text("All weights are as they should be")).to_be_visible()


def test_a_member_looks_and_changes_nothing(sign_in: Callable[..., Page]) -> None:
    page = sign_in()
    page.goto("/#/models")
    expect(page.get_by_role("button", name="scripted:latest", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Fetch a model")).to_have_count(0)
    expect(page.get_by_label("Answers")).to_have_count(0)
    page.get_by_role("button", name="Actions for scripted:latest").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Details"])


@pytest.mark.parametrize(
    "language, title, said",
    [
        (
            "en",
            "Who serves what",
            {"Embeddings": "Built in", "Reranking": "late interaction", "Speech": "Not installed"},
        ),
        (
            "fr",
            "Qui sert à quoi",
            {"Vectorisation": "Intégré", "Réordonnancement": "interaction tardive", "Voix": "Non installée"},
        ),
    ],
)
def test_roles_that_nobody_chooses_say_who_fills_them(
    sign_in: Callable[..., Page], language: str, title: str, said: dict[str, str]
) -> None:
    page = sign_in(language=language)
    page.goto("/#/models")
    roles = page.get_by_role("region", name=title).get_by_role("listitem")
    for role, words in said.items():
        expect(roles.filter(has_text=role).filter(has_text=words)).to_have_count(1)
