"""Every page at both ends of the screen, in both themes and languages: no barrier, no sideways scrolling."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import WEB, Person, Rest
from tests.browser.papers import REPORT, make_pdf
from tests.browser.test_journey import ANSWERED_MS
from tests.browser.writer import VISITORS

LOADED_MS = 15_000
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = [
    *("chat", "chat?list=1", "TALK", "TALK&source=1", "TALK&act=share", "TALK&act=move"),
    *("ask", "ask?list=1", "ANSWER", "ANSWER?source=1", "ANSWER?view=passages"),
    *("documents", "documents?list=1", "documents?q=nothing-fits", "documents?new=1"),
    *("DOCUMENT", "DOCUMENT/preview", "TEXT/preview"),
    *("admin", "admin/health", "admin/jobs", "admin/egress", "admin/audit", "admin/evaluations"),
    *("admin/users", "admin/users?new=1", "admin/groups", "admin/keys", "admin/sessions"),
    *("admin/analytics", "admin/usage", "assistants", "assistants?try=1", "assistants?new=1", "ASSISTANT"),
    *("prompts", "prompts?new=1", "PROMPT", "escalations", "escalations?status=answered"),
    *("account", "account/password", "account/memory", "account/usage", "account/sessions", "account/keys"),
    *("models", "models?pull=1"),
    *("help", "nowhere", "dev/components"),
]
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def papers(rest: Rest, librarian: str) -> dict[str, str]:
    """What the pages show: a document with pages, one without, an assistant that knows them."""
    assert librarian
    collection = rest.post("/api/collections", {"name": "Papers of the library"})["id"]
    long_name = "A report with quite a long name, so that it has to be cut somewhere.pdf"
    report = rest.upload(long_name, make_pdf(REPORT), collection=collection)
    note = rest.upload("note.md", b"# Note\n\nThe library opens at nine.\n", collection=collection)
    name = f"guide-{secrets.token_hex(3)}"
    rest.post("/api/assistants", {"name": name, "title": "A guide with quite a long title, cut somewhere"})
    text = {"title": "Agenda of a meeting", "text": "Agenda for {{client}} on {{day}}.", "shared": True}
    prompt = rest.post("/api/prompts", {"name": name, **text})
    return {
        "DOCUMENT": f"documents/{report['file_id']}",
        "TEXT": f"documents/{note['file_id']}",
        "ASSISTANT": f"assistants/{name}",
        "PROMPT": f"prompts/{prompt['id']}",
        "collection": collection,
    }


@pytest.fixture
def reader(papers: dict[str, str], rest: Rest, language: str) -> Person:
    """An admin who may read the papers, in the language of the test."""
    person = rest.person(role="admin", language=language)
    collection = papers["collection"]
    readers = rest.get(f"/api/collections/{collection}")["readers"]
    rest.put(f"/api/collections/{collection}/permissions", {"readers": [*readers, {"user": person.id}], "editors": []})
    return person


@pytest.mark.parametrize(
    "width, theme, language",
    [
        (360, "light", "fr"),
        pytest.param(1440, "dark", "en", marks=pytest.mark.slow),
        pytest.param(360, "dark", "en", marks=pytest.mark.slow),
        pytest.param(1440, "light", "fr", marks=pytest.mark.slow),
    ],
)
def test_every_page(
    width: int, theme: str, reader: Person, papers: dict[str, str], sign_in: Callable[..., Page]
) -> None:
    page = sign_in(reader, theme=theme, width=width, height=800)
    talk, answer = _talk(page), _ask(page)
    troubles: list[str] = []
    for name in PAGES:
        if width > 1000 and "list=1" in name:
            continue  # the list stands beside the work there
        path = name
        for word in ("DOCUMENT", "TEXT", "ASSISTANT", "PROMPT"):
            path = path.replace(word, papers[word])
        path = path.replace("ANSWER", answer).replace("TALK", talk)
        page.goto(f"/#/{path}")
        _settle(page)
        troubles += [f"{name}: {trouble}" for trouble in (*_barriers(page), *_sideways(page))]
    assert troubles == []


def _talk(page: Page) -> str:
    """A conversation, with the message that has the sources."""
    page.goto("/#/chat")
    page.locator("textarea").press_sequentially("@librarian")
    page.keyboard.press("Enter")
    expect(page.locator("textarea")).to_have_value("")
    page.locator("textarea").fill(VISITORS)
    page.keyboard.press("Enter")
    expect(page.locator("article footer")).to_be_visible(timeout=ANSWERED_MS)
    message = page.locator("article").get_attribute("data-message")
    return f"{page.url.split('#/')[1].split('?')[0]}?m={message}"


def _ask(page: Page) -> str:
    page.goto("/#/ask")
    page.locator("textarea").fill(VISITORS)
    page.keyboard.press("Enter")
    expect(page.locator("article footer")).to_be_visible(timeout=ANSWERED_MS)
    return page.url.split("#/")[1].split("?")[0]


def _settle(page: Page) -> None:
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    page.wait_for_selector("#app main")
    if "/dev/" not in page.url:  # where a skeleton stands to be looked at
        expect(page.locator(".skeleton:not(.sheet *)"), page.url).to_have_count(0, timeout=LOADED_MS)
    if page.locator(".sheet").count():
        page.wait_for_selector(".sheet:not(.waiting)")


def _barriers(page: Page) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found: Any = page.evaluate(
        "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations'], iframes: false})", RULES
    )
    return [f"{one['id']}: {node['html'][:120]}" for one in found["violations"] for node in one["nodes"]]


def _sideways(page: Page) -> list[str]:
    """Nothing reaches over the edge of the screen, except inside what may scroll by itself."""
    found: Any = page.evaluate(
        """() => {
          const hides = (element) => ["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(element).overflowX);
          const scrolls = (element) => element && (hides(element) || scrolls(element.parentElement));
          const over = [...document.querySelectorAll("#app *")].filter((element) => {
            const box = element.getBoundingClientRect();
            return box.width > 1 && box.right > innerWidth + 1 && !scrolls(element.parentElement);
          });
          if (document.documentElement.scrollWidth > innerWidth) over.push(document.documentElement);
          return over.slice(0, 3).map((element) => element.outerHTML.slice(0, 120));
        }"""
    )
    return [f"over the edge: {html}" for html in found]
