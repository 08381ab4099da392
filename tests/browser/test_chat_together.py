"""More than one at a time: two models, two people at one engine, a colleague who reads, a person who answers."""

import re
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import Person, Rest, Server
from tests.browser.test_chat import answers, box, post, say
from tests.browser.test_journey import ANSWERED_MS, add_report
from tests.browser.writer import GREETING, LONG, MODEL, SECOND, VISITORS
from tests.scripted_ollama import ScriptedOllama

pytestmark = pytest.mark.slow  # each of them is a long way; the everyday ones are in test_chat.py

_ENGINE_PLACES = 4
_GROWS_TOGETHER = """
(before) => {
  const articles = [...document.querySelectorAll("article[aria-busy=true]")];
  const lengths = articles.map((one) => one.querySelector(".body")?.textContent.length ?? 0);
  return lengths.length === 2 && lengths.every((length) => length > before) ? lengths : null;
}
"""
_BEGIN_STORIES = """
async ([keys, message]) => {
  const me = await (await fetch("/api/me")).json();
  const headers = {"Content-Type": "application/json", "X-CSRF-Token": me.csrf_token};
  for (const key of keys) {
    const body = {conversation_id: key, message, assistant: "conversation", stream: true};
    void fetch("/api/chat", {method: "POST", headers, body: JSON.stringify(body)});
  }
}
"""


def grown(page: Page, beyond: int) -> list[int]:
    """Wait until two answers that are both still being written are longer than this."""
    return page.wait_for_function(_GROWS_TOGETHER, arg=beyond, timeout=ANSWERED_MS).json_value()


def talk_plainly(page: Page) -> None:
    """Have plain conversation answer, whoever else there is."""
    box(page).press_sequentially("@plain")
    expect(page.get_by_role("option", name="Plain conversation")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Who answers: Plain conversation")).to_be_visible()


def choose_second_model(page: Page) -> None:
    page.get_by_role("button", name="Model: Usual model").click()
    page.get_by_role("menuitemradio", name=SECOND).last.click()
    expect(page.get_by_role("button", name=f"Model: Usual model and {SECOND}")).to_be_visible()


def test_two_models_write_side_by_side(sign_in: Any, writer: ScriptedOllama) -> None:
    page: Page = sign_in()
    talk_plainly(page)
    choose_second_model(page)
    told = len(writer.received)
    say(page, LONG)
    both = page.get_by_role("region", name="Two answers side by side")
    expect(both.get_by_role("article")).to_have_count(2, timeout=ANSWERED_MS)
    first = grown(page, 60)
    later = grown(page, max(first) + 60)
    assert min(later) > max(first), "one of them waited for the other"
    asked = [request for request in writer.received[told:] if request.path == "/api/chat"]
    assert sorted(request.model for request in asked if not request.ended.is_set()) == sorted([MODEL, SECOND])
    page.get_by_role("button", name="Stop (Esc)").click()
    answers(page, 2)
    expect(both.get_by_text("Stopped before the end.")).to_have_count(2)
    chosen = both.get_by_role("article").last
    expect(chosen).to_contain_text(SECOND)
    expect(both.get_by_role("note", name="Chosen by you.")).to_have_count(2)
    identity = chosen.get_attribute("data-message")
    both.get_by_role("button", name="Go on with this one").last.click()
    expect(both).to_have_count(0)
    say(page, GREETING)
    expect(answers(page, 2).locator(".body")).to_contain_text("Hello, and welcome")
    key = page.url.split("#/chat/")[1].split("?")[0]
    shown = page.request.get(f"/api/conversations/{key}/messages").json()["items"]
    assert [one["id"] for one in shown][1] == identity


class Busy(NamedTuple):
    """Somebody whose stories take every place at the engine, and one more story that waits."""

    page: Page
    keys: list[str]


@pytest.fixture
def busy(sign_in: Any) -> Iterator[Busy]:
    page: Page = sign_in()
    keys = [f"story-{secrets.token_hex(4)}" for _ in range(_ENGINE_PLACES + 1)]
    page.evaluate(_BEGIN_STORIES, [keys[:-1], LONG])
    until_queue(page, "writing", _ENGINE_PLACES)
    page.evaluate(_BEGIN_STORIES, [keys[-1:], LONG])
    until_queue(page, "waiting", 1)
    yield Busy(page, keys)
    for key in keys:
        stop_story(page, key)
    until_queue(page, "writing", 0)


def stop_story(page: Page, key: str) -> None:
    if run := page.request.get(f"/api/conversations/{key}").json()["running"]:
        post(page, f"/api/runs/{run}/stop", {})


def until_queue(page: Page, name: str, count: int) -> None:
    """Wait until so many are written, or wait in all."""
    page.wait_for_function(
        """async ([name, count]) => {
          const state = await (await fetch("/api/generate/queue")).json();
          const waiting = Object.values(state.waiting).reduce((all, one) => all + one, 0);
          return (name === "writing" ? state.writing : waiting) === count;
        }""",
        arg=[name, count],
        polling=100,
    )


def test_whoever_waits_sees_their_place(sign_in: Any, busy: Busy) -> None:
    """One person's fifth story does not come before another's greeting; who comes next stands behind."""
    early, late = sign_in(), sign_in()
    for page in (early, late):
        talk_plainly(page)
    say(early, GREETING)
    expect(early.get_by_text("1 request before you")).to_be_visible(timeout=ANSWERED_MS)
    say(late, GREETING)
    expect(late.get_by_text("2 requests before you")).to_be_visible(timeout=ANSWERED_MS)
    stop_story(busy.page, busy.keys[0])
    for page in (early, late):
        expect(answers(page).locator(".body")).to_contain_text("Hello, and welcome")
        expect(page.get_by_text("before you")).to_have_count(0)


def share(page: Page, reader: Person) -> None:
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("combobox", name="Share with").fill(reader.username)
    page.get_by_role("option", name=reader.username).click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Sharing saved")).to_be_visible()


def test_what_a_colleague_may_not_read_is_locked(sign_in: Any, rest: Rest, librarian: str) -> None:
    reader: Person = rest.person()
    page: Page = sign_in()
    add_report(page)
    box(page).press_sequentially(f"@{librarian[:4]}")
    page.keyboard.press("Enter")
    say(page, VISITORS)
    expect(answers(page).locator(".body")).to_contain_text("48215")
    talk_plainly(page)
    say(page, GREETING)
    answers(page, 2)
    share(page, reader)

    other: Page = sign_in(reader, expected=("404 (Not Found)",))
    heard: list[str] = []
    other.on("response", lambda response: heard.append(response.text()) if "/messages" in response.url else None)
    other.goto(page.url)
    locked, open_ = other.get_by_role("article").first, other.get_by_role("article").last
    expect(locked.get_by_text("This rests on documents that are not shared with you.")).to_be_visible()
    expect(locked.locator("svg")).to_have_count(1)
    expect(open_).to_contain_text("Hello, and welcome")
    expect(other.get_by_text("shares this with you. You can read it.")).to_be_visible()
    _cannot_write(other)
    assert heard
    assert not any("48215" in text or "report.pdf" in text for text in heard), "it was sent, and only hidden"


def _cannot_write(page: Page) -> None:
    """No field, no way to answer again, judge or word differently; and none beside the interface either."""
    expect(box(page)).to_have_count(0)
    for name in ("Answer again", "Good answer", "Edit and send again", "Attach files"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    key = page.url.split("#/chat/")[1].split("?")[0]
    me = page.request.get("/api/me").json()
    headers = {"X-CSRF-Token": me["csrf_token"]}
    body = {"conversation_id": key, "message": "Mine too", "assistant": "conversation"}
    assert page.request.post("/api/chat", data=body, headers=headers).status in {403, 404}
    assert page.request.patch(f"/api/conversations/{key}", data={"title": "Mine"}, headers=headers).status in {403, 404}


def test_a_person_answers_who_asked_for_one(server: Server, sign_in: Any) -> None:
    words = f"I want to talk to a human about {secrets.token_hex(3)}"
    asker: Page = sign_in()
    say(asker, words)
    expect(answers(asker).locator(".body")).to_contain_text("passed on to a person")
    address = asker.url
    asker.goto(server.url + "/#/documents")

    admin: Page = sign_in(role="admin")
    admin.goto(server.url + "/#/escalations")
    queue = admin.get_by_role("link").filter(has_text=words)
    queue.first.click()
    expect(admin.get_by_text(re.compile("^waiting since|^Why"))).not_to_have_count(0)
    admin.get_by_role("textbox", name="Your answer").fill("Yes, I am here. Your card is ready at the desk.")
    admin.get_by_role("button", name="Send the answer").click()
    expect(admin.get_by_text(re.compile("^Answered by"))).to_be_visible()

    asker.goto(address)
    answer = asker.get_by_role("article").last
    expect(answer).to_contain_text("Your card is ready at the desk.")
    expect(_badge(answer)).to_have_text("person")
    say(asker, GREETING)
    expect(box(asker)).to_have_value("")


def _badge(answer: Locator) -> Locator:
    return answer.locator(".badge")
