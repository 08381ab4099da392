"""A real appliance and a real browser: every test of the interface runs against both."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.chromium import REQUIRED
from tests.browser.harness import CHROMIUM, DIST, FLAGS, OpenPage, Person, Rest, Server, Watch, running
from tests.browser.writer import MODEL, VISITORS, writing
from tests.scripted_ollama import ScriptedOllama

expect.set_options(timeout=15_000)  # a busy machine is no fault of the interface


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder; say why where no browser or no built interface is there."""
    missing = _missing()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if missing and not REQUIRED:
                item.add_marker(pytest.mark.skip(reason=missing))


def _missing() -> str | None:
    if not Path(CHROMIUM).exists():
        return "no Chromium: `python -m tests.browser.chromium` installs it where root may"
    if not (DIST / "index.html").exists():
        return "the interface is not built: npm ci && npm run build in appliance/web"
    return None


@pytest.fixture(scope="session")
def writer() -> Iterator[ScriptedOllama]:
    with writing() as made:
        yield made


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, minilm_folder: Path, writer: ScriptedOllama) -> Iterator[Server]:
    """One appliance for all tests; each makes its own people and collections."""
    if reason := _missing():
        pytest.fail(f"the browser tests cannot run: {reason}")
    engines = {
        "APPLIANCE_EMBEDDER__MODEL": str(minilm_folder),
        "APPLIANCE_LANGUAGE_MODEL__KIND": "ollama",
        "APPLIANCE_LANGUAGE_MODEL__URL": writer.url,
        "APPLIANCE_LANGUAGE_MODEL__MODEL": MODEL,
    }
    with running(tmp_path_factory.mktemp("appliance"), **engines) as made:
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def rest(server: Server, browser: Browser) -> Iterator[Rest]:
    context = browser.new_context()
    yield Rest(context, server)
    context.close()


@pytest.fixture(scope="session")
def librarian(rest: Rest) -> str:
    """An assistant that knows every document; the name it is called by."""
    words = {"routing_description": "Visitors, seats and hours of the library", "examples": [VISITORS]}
    rest.post("/api/assistants", {"name": "librarian", "title": "Librarian", "knowledge_owners": [], **words})
    return "librarian"


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[OpenPage]:
    """Open a window of one's own; afterwards nothing it did may have been wrong."""
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def opened(
        *,
        width: int = 1440,
        height: int = 900,
        theme: str = "light",
        locale: str = "en-GB",
        expected: tuple[str, ...] = (),
    ) -> Page:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            locale=locale,
            reduced_motion="reduce",
            accept_downloads=True,
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        watch = Watch(page, server)
        watch.expected += ["401 (Unauthorized)", *expected]
        contexts.append(context)
        watches.append(watch)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [trouble for watch in watches for trouble in watch.troubles] == []


@pytest.fixture
def sign_in(server: Server, rest: Rest, open_page: OpenPage) -> Callable[..., Page]:
    """A window in which somebody new is signed in."""

    def signed_in(person: Person | None = None, *, role: str = "member", language: str = "en", **options: Any) -> Page:
        who = person or rest.person(role=role, language=language)
        page = open_page(**options)
        page.goto(server.link(who))
        page.wait_for_selector("main#main")
        return page

    return signed_in
