"""The first day of somebody new: sign in, add a document, ask, check the source, leave."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.harness import OpenPage, Rest, Server
from tests.browser.papers import REPORT, make_pdf
from tests.browser.writer import HOURS, VISITORS

INDEXED_MS = 90_000
ANSWERED_MS = 60_000


def add_file(page: Page, name: str, content: bytes) -> None:
    """Through the button and the system's own file window, as people do."""
    page.get_by_role("button", name="Add", exact=True).click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("menuitem", name="Files…").click()
    chooser.value.set_files({"name": name, "mimeType": "application/pdf", "buffer": content})


def ask(page: Page, question: str) -> None:
    open_ask(page)
    page.get_by_role("textbox", name="Your question").fill(question)
    page.keyboard.press("Enter")


def open_ask(page: Page) -> None:
    """Go to the room that asks the documents, unless one is there."""
    if "#/ask" not in page.url:
        page.goto("/#/ask")


def add_report(page: Page) -> None:
    """Add the report over REST, as whoever is signed in, and wait until it is indexed."""
    token = page.request.get("/api/me").json()["csrf_token"]
    headers = {"X-CSRF-Token": token}
    form: Any = {"file": {"name": "report.pdf", "mimeType": "application/pdf", "buffer": make_pdf(REPORT)}}
    kept = page.request.post("/api/rag/upload", multipart=form, headers=headers, timeout=INDEXED_MS)
    assert kept.ok
    body = {"file_id": kept.json()["file_id"]}
    assert page.request.post("/api/rag/index", data=body, headers=headers, timeout=INDEXED_MS).ok


def test_from_sign_in_to_sign_out(server: Server, rest: Rest, open_page: OpenPage) -> None:
    person = rest.person()
    page = open_page()
    page.goto(server.link(person))
    expect(page.get_by_role("heading", name="Good to see you")).to_be_visible()
    assert "token" not in page.url
    page.get_by_role("link", name="Ask the documents").click()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(page.get_by_text("There is nothing to ask yet.")).to_be_visible()

    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Documents", exact=True).click()
    add_file(page, "report.pdf", make_pdf(REPORT))
    row = page.get_by_role("row").filter(has_text="report.pdf")
    expect(row).to_be_visible(timeout=INDEXED_MS)
    expect(row.get_by_text("Indexed")).to_be_visible(timeout=INDEXED_MS)

    page.get_by_role("link", name="Ask the documents").click()
    page.evaluate(COUNT_CHANGES)
    ask(page, VISITORS)
    answer = page.get_by_role("article")
    expect(answer.locator("footer")).to_be_visible(timeout=ANSWERED_MS)
    expect(answer.locator(".body")).to_contain_text("48215")
    expect(answer.locator(".badge")).to_have_text("llm")
    lengths = page.evaluate("window.textLengths")
    assert len({*lengths}) > 5, "the words were not shown as they came"
    assert lengths == sorted(lengths), "the text jumped while it was written"

    answer.locator(".cite").first.click()
    panel = page.get_by_role("complementary", name="Source")
    expect(panel.get_by_role("heading", name="report.pdf")).to_be_visible()
    expect(panel.locator("mark")).to_contain_text("48215")
    picture = panel.get_by_role("img", name="Page 2 of report.pdf, with the passage marked")
    expect(picture).to_be_visible()
    assert marked_pixels(page) > 200
    assert "source=1" in page.url

    page.get_by_role("button", name=person.username.title()).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('questions')).length") == 0


# Notes how long the answer's text is whenever it changes while it is still being written.
COUNT_CHANGES = """
window.textLengths = [];
new MutationObserver(() => {
  const article = document.querySelector("article[aria-busy=true] .body");
  if (article) window.textLengths.push(article.textContent.length);
}).observe(document.body, {subtree: true, childList: true, characterData: true});
"""


def marked_pixels(page: Page) -> int:
    """How many pixels of the page's picture are the colour of a marker rather than of ink or paper."""
    counted: Any = page.evaluate(
        """async () => {
          const image = document.querySelector("aside img");
          await image.decode();
          const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
          const pen = canvas.getContext("2d");
          pen.drawImage(image, 0, 0);
          const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
          let marked = 0;
          for (let at = 0; at < data.length; at += 4) if (data[at] - data[at + 2] > 60) marked += 1;
          return marked;
        }"""
    )
    return int(counted)


def test_used_link_says_so(server: Server, rest: Rest, open_page: OpenPage) -> None:
    person = rest.person()
    first, second = open_page(), open_page()
    first.goto(server.link(person))
    first.wait_for_selector("main#main")
    second.goto(server.link(person))
    expect(second.get_by_text("This link no longer works")).to_be_visible()
    expect(second.get_by_role("textbox", name="Name")).to_be_visible()


def test_wrong_passwords_lock_with_a_countdown(server: Server, open_page: OpenPage) -> None:
    page = open_page(expected=("429 (Too Many Requests)",))
    page.goto(server.url + "/#/login")
    for _ in range(8):
        page.get_by_role("textbox", name="Name").fill("nobody-here")
        page.get_by_label("Password", exact=True).fill("wrong password")
        page.keyboard.press("Enter")
        page.wait_for_selector(".note")
        if page.get_by_role("timer").count():
            break
        expect(page.get_by_text("The name and the password do not match.")).to_be_visible()
    expect(page.get_by_role("timer")).to_contain_text("Too many tries")
    expect(page.get_by_role("button", name="Sign in")).to_be_disabled()


def test_answer_is_stopped(sign_in: Any, rest: Rest) -> None:
    person = rest.person()
    page: Page = sign_in(person)
    add_report(page)
    ask(page, HOURS)
    answer = page.get_by_role("article")
    expect(answer.locator(".body")).to_contain_text("open at nine", timeout=ANSWERED_MS)
    page.get_by_role("button", name="Stop").click()
    expect(answer.get_by_text("Stopped before the end.")).to_be_visible()
    expect(answer.locator(".body")).to_contain_text("open at nine")
    expect(page.get_by_role("textbox", name="Your question")).to_be_editable()


def test_broken_model_leaves_quotes(sign_in: Any) -> None:
    page: Page = sign_in()
    add_report(page)
    ask(page, "When was the library founded?")
    answer = page.get_by_role("article")
    expect(answer.locator(".badge")).to_have_text("extractive", timeout=ANSWERED_MS)
    expect(answer.get_by_text("The language model did not answer")).to_be_visible()
    expect(answer.locator(".body")).to_contain_text("1962")
    assert answer.locator(".cite").count() >= 1


def test_inspector_says_why_these_passages(sign_in: Any) -> None:
    page: Page = sign_in()
    add_report(page)
    ask(page, VISITORS)
    expect(page.get_by_role("article").locator("footer")).to_be_visible(timeout=ANSWERED_MS)
    page.get_by_role("button", name="Passages").click()
    expect(page.get_by_text(re.compile(r"Support [\d.]+: enough to answer"))).to_be_visible()
    grid = page.get_by_role("grid", name="Why these passages")
    for stage in ("Meaning", "Words", "Characters", "Fused", "Late interaction", "Final"):
        expect(grid.get_by_role("columnheader", name=stage)).to_be_visible()
    best = grid.get_by_role("row").nth(1)
    expect(best).to_contain_text(re.compile(r"report\.pdf\s*· page 2"))
    best.click()
    panel = page.get_by_role("complementary", name="Source")
    expect(panel.get_by_role("img", name="Page 2 of report.pdf, with the passage marked")).to_be_visible()
    assert marked_pixels(page) > 200
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_role("article").locator(".body")).to_contain_text("48215")


def test_nothing_found_is_said(sign_in: Any) -> None:
    page: Page = sign_in()
    ask(page, "What colour is the moon of the third planet of another star?")
    expect(page.get_by_role("article").locator("footer")).to_be_visible(timeout=ANSWERED_MS)
    expect(page.get_by_text("Try other words.")).to_be_visible()
    assert page.locator(".cite").count() == 0
