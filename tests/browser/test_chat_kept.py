"""What stays of a conversation: what is remembered, files of it; and what does not come in: pictures, a lost network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.cable import Cable, cabled
from tests.browser.harness import Rest, Server
from tests.browser.test_chat import answers, box, post, say
from tests.browser.test_chat_together import talk_plainly
from tests.browser.test_journey import ANSWERED_MS, add_report
from tests.browser.writer import FOUNDED, GREETING, GREETING_REWORDED, LONG, NOTED, PICTURES, VISITORS
from tests.scripted_ollama import ScriptedOllama

pytestmark = pytest.mark.slow  # each of them is a long way; the everyday ones are in test_chat.py


@pytest.mark.usefixtures("librarian")
def test_prompts_and_assistants_without_a_mouse(sign_in: Any) -> None:
    page: Page = sign_in()
    for name, text in (("hello", "Please say {{word}} to our {{guests}}."), ("help", "Help me with {{what}}.")):
        post(page, "/api/prompts", {"name": name, "title": name.title(), "text": text})
    keys = page.keyboard
    expect(box(page)).to_be_focused()
    keys.type("@lib")
    expect(page.get_by_role("option", name="Librarian")).to_be_visible()
    keys.press("Tab")
    expect(page.get_by_role("button", name="Who answers: Librarian")).to_be_visible()
    keys.type("@plain")
    expect(page.get_by_role("option", name="Plain conversation")).to_be_visible()
    keys.press("Enter")
    expect(page.get_by_role("button", name="Who answers: Plain conversation")).to_be_visible()
    keys.type("/h")
    options = page.get_by_role("option")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    if "hello" not in options.first.inner_text():
        keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="word")).to_be_focused()
    keys.type("hello")
    keys.press("Tab")
    expect(page.get_by_role("textbox", name="guests")).to_be_focused()
    keys.type("visitors")
    keys.press("Enter")
    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_value(GREETING)
    keys.press("Enter")
    expect(answers(page).locator(".body")).to_contain_text("Hello, and welcome")
    keys.press("ArrowUp")
    expect(page.get_by_role("textbox", name="Another wording")).to_be_focused()
    keys.press("ControlOrMeta+a")
    keys.type(GREETING_REWORDED)
    keys.press("Enter")
    expect(answers(page).locator(".body")).to_contain_text("Bonjour")


def prompt_of(writer: ScriptedOllama, message: str) -> str:
    """All that the model was given with the latest message of these words."""
    for request in reversed(writer.received):
        if request.path == "/api/chat" and str(request.body["messages"][-1]["content"]).endswith(message):
            return "\n".join(str(one["content"]) for one in request.body["messages"])
    raise AssertionError(message)


def test_what_is_said_to_be_remembered_is(server: Server, sign_in: Any, writer: ScriptedOllama) -> None:
    page: Page = sign_in()
    talk_plainly(page)
    say(page, NOTED)
    expect(answers(page).get_by_text("This will be remembered: “I work in Brest”.")).to_be_visible()

    page.goto(server.url + "/#/account/memory")
    expect(page.get_by_text("said in a conversation")).to_be_visible()
    page.get_by_role("button", name="Change: I work in Brest").click()
    page.get_by_role("textbox", name="Memory").fill("I work in Vannes")
    page.keyboard.press("Enter")
    expect(page.get_by_text("I work in Vannes", exact=True)).to_be_visible()
    assert "I work in Vannes" in _prompt_of_a_greeting(page, server, writer)
    assert "Brest" not in prompt_of(writer, GREETING)

    page.goto(server.url + "/#/account/memory")
    page.get_by_role("button", name="Delete: I work in Vannes").click()
    expect(page.get_by_text("Nothing is remembered about you")).to_be_visible()
    assert "Vannes" not in _prompt_of_a_greeting(page, server, writer)


def _prompt_of_a_greeting(page: Page, server: Server, writer: ScriptedOllama) -> str:
    page.goto(server.url + "/#/chat")
    expect(page.get_by_role("heading", name="Good to see you")).to_be_visible()
    talk_plainly(page)
    say(page, GREETING)
    answers(page)
    return prompt_of(writer, GREETING)


def test_ce_qui_est_a_retenir_est_retenu(server: Server, sign_in: Any) -> None:
    page: Page = sign_in(language="fr")
    box_ = page.get_by_role("textbox", name="Votre message")
    box_.fill("Bonjour ! Retiens que mon bureau est à Quimper, s’il te plaît.")
    page.keyboard.press("Enter")
    expect(page.locator("article footer")).to_have_count(1, timeout=ANSWERED_MS)
    page.goto(server.url + "/#/account/memory")
    expect(page.get_by_text("Mon bureau est à Quimper", exact=True)).to_be_visible()


def exported(page: Page, item: str) -> Path:
    """A file from the menu of the conversation."""
    page.get_by_role("button", name="More", exact=True).click()
    with page.expect_download() as kept:
        page.get_by_role("menuitem", name=item).click()
    assert kept.value.suggested_filename.startswith("how-many-visitors-did-the-library-count")
    return Path(kept.value.path())


def test_exported_with_what_it_rests_on(sign_in: Any, librarian: str) -> None:
    page: Page = sign_in()
    add_report(page)
    box(page).press_sequentially(f"@{librarian[:4]}")
    page.keyboard.press("Enter")
    say(page, VISITORS)
    answers(page)
    text = exported(page, "Markdown").read_text()
    held = json.loads(exported(page, "JSON").read_text())
    document = docx.Document(str(exported(page, "Word, with its sources")))
    words = [paragraph.text for paragraph in document.paragraphs]
    answer = held["messages"][-1]
    assert (answer["role"], answer["agent"]) == ("assistant", librarian)
    assert "counted 48215 visitors" in answer["content"]
    assert {source["document"] for source in answer["sources"]} == {"report.pdf"}
    for whole in (text, "\n".join(words)):
        assert VISITORS in whole
        assert "counted 48215 visitors" in whole
    assert "Sources" in words
    after = words[words.index("Sources") + 1 :]
    assert any("report.pdf, page 2 — “" in line and "48215" in line for line in after), after
    assert "**report.pdf**, page 2" in text


def test_what_a_broken_model_had_written_is_kept(sign_in: Any, librarian: str) -> None:
    page: Page = sign_in()
    add_report(page)
    box(page).press_sequentially(f"@{librarian[:4]}")
    page.keyboard.press("Enter")
    say(page, FOUNDED)
    answer = answers(page)
    expect(answer.locator(".badge")).to_have_text("extractive")
    expect(answer.locator(".body")).to_contain_text("founded in 1962 by the town council")
    expect(answer.get_by_text("stopped in the middle of its answer")).to_be_visible()
    page.reload()
    answer.get_by_text("What the model had written").click()
    expect(answer.get_by_text("The council founded", exact=True)).to_be_visible()


def test_no_picture_is_fetched(sign_in: Any) -> None:
    page: Page = sign_in()
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url) if "192.0.2.1" in request.url else None)
    talk_plainly(page)
    say(page, PICTURES)
    expect(answers(page).locator(".body")).to_contain_text("That was all.")
    page.reload()
    body = page.locator("article .body")
    expect(body).to_contain_text("That was all.")
    expect(body.locator("img, picture, link, style, iframe, image")).to_have_count(0)
    page.wait_for_timeout(300)
    assert asked == []


@pytest.fixture
def cable(server: Server) -> Iterator[Cable]:
    with cabled(server.url) as laid:
        yield laid


def test_an_answer_goes_on_when_the_network_is_back(server: Server, rest: Rest, browser: Browser, cable: Cable) -> None:
    page = browser.new_context(base_url=cable.url, locale="en-GB", reduced_motion="reduce").new_page()
    resumed: list[str | None] = []
    page.on(
        "request", lambda asked: resumed.append(asked.headers.get("last-event-id")) if "/runs/" in asked.url else None
    )
    page.goto(server.link(rest.person()).replace(server.url, cable.url))
    page.wait_for_selector("main#main")
    talk_plainly(page)
    say(page, LONG)
    body = page.locator("article .body")
    expect(body).to_contain_text("Once upon a time", timeout=ANSWERED_MS)
    cable.unplug()
    expect(page.get_by_text("The appliance does not answer.").first).to_be_visible()
    before = len(body.inner_text())
    page.wait_for_timeout(500)
    assert len(body.inner_text()) == before, "no word comes over a network that is not there"
    cable.plug()
    expect(page.get_by_text("The appliance does not answer.")).to_have_count(0)
    page.wait_for_function(
        "(length) => document.querySelector('article .body').textContent.length > length + 200", arg=before
    )
    assert any(number and int(number) > 2 for number in resumed), "it began anew in place of going on"
    page.get_by_role("button", name="Stop (Esc)").click()
    expect(answers(page).get_by_text("Stopped before the end.")).to_be_visible()
    key = page.url.split("#/chat/")[1].split("?")[0]
    kept = page.request.get(f"/api/conversations/{key}/messages").json()["items"][-1]["content"].strip()
    assert ("Once upon a time there was a quiet library. " * 60).startswith(kept)
    expect(body).to_have_text(kept)
    page.context.close()
