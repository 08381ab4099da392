"""A day of conversations: ask, stop, come back, say it differently, judge, put in order, share."""

import re
import secrets
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from tests.browser.harness import Person, Rest
from tests.browser.test_journey import ANSWERED_MS, COUNT_CHANGES, add_report
from tests.browser.writer import DRAFT, GREETING, GREETING_REWORDED, LONG, SECOND, VISITORS

COUNT_ANSWERS = """
window.wholeAnswers = [];
new MutationObserver(() => window.wholeAnswers.push(document.querySelectorAll("article footer").length))
  .observe(document.body, {subtree: true, childList: true, attributes: true});
"""


def say(page: Page, message: str) -> None:
    box(page).fill(message)
    page.keyboard.press("Enter")


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Your message")


def answers(page: Page, count: int = 1) -> Locator:
    """Wait until so many answers are whole, and give the last."""
    expect(page.locator("article footer")).to_have_count(count, timeout=ANSWERED_MS)
    return page.get_by_role("article").last


def post(page: Page, path: str, body: Any, *, method: str = "POST") -> Any:
    """Over REST, as whoever is signed in."""
    token = page.request.get("/api/me").json()["csrf_token"]
    response = page.request.fetch(path, method=method, data=body, headers={"X-CSRF-Token": token}, timeout=ANSWERED_MS)
    assert response.ok, response.text()
    return response.json()


def test_answer_streams_with_its_sources(sign_in: Any, librarian: str) -> None:
    page: Page = sign_in()
    add_report(page)
    page.evaluate(COUNT_CHANGES)
    box(page).press_sequentially(f"@{librarian[:4]}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Who answers: Librarian")).to_be_visible()
    say(page, VISITORS)
    answer = answers(page)
    expect(answer.locator(".body")).to_contain_text("48215")
    expect(answer.locator(".badge")).to_have_text("llm")
    expect(answer.get_by_role("note", name="Librarian. Chosen by you.")).to_be_visible()
    lengths = page.evaluate("window.textLengths")
    assert len({*lengths}) > 5, "the words were not shown as they came"
    assert lengths == sorted(lengths), "the text jumped while it was written"
    expect(page.get_by_role("heading", level=1)).to_contain_text("How many visitors")
    expect(box(page)).to_be_focused()

    answer.locator(".cite").first.click()
    panel = page.get_by_role("complementary", name="Source")
    expect(panel.locator("mark")).to_contain_text("48215")
    expect(panel.get_by_role("img", name="Page 2 of report.pdf, with the passage marked")).to_be_visible()
    assert "source=1" in page.url
    page.reload()
    expect(panel.locator("mark")).to_contain_text("48215")
    answer.locator(".cite").first.focus()
    page.keyboard.press("j")
    expect(answer.locator(".cite").nth(1)).to_be_focused()


def test_code_tables_and_formulas(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, DRAFT)
    answer = answers(page)
    expect(answer.locator(".code .hljs-keyword").first).to_have_text("def")
    expect(answer.locator("math")).to_have_count(2)
    expect(answer.get_by_role("columnheader", name="Seats")).to_be_visible()
    expect(answer.get_by_text("[picture: a picture]")).to_be_visible()
    expect(answer.locator("img")).to_have_count(0)


def test_stopped_by_escape(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, LONG)
    answer = page.get_by_role("article")
    expect(answer.locator(".body")).to_contain_text("Once upon a time", timeout=ANSWERED_MS)
    page.keyboard.press("Escape")
    expect(answers(page).get_by_text("Stopped before the end.")).to_be_visible()
    expect(answer.locator(".body")).to_contain_text("Once upon a time")
    expect(page.get_by_role("button", name="Stop (Esc)")).to_have_count(0)


def test_goes_on_after_a_reload_and_in_a_second_window(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, LONG)
    body = page.locator("article .body")
    expect(body).to_contain_text("Once upon a time", timeout=ANSWERED_MS)
    page.reload()
    expect(body).to_contain_text("Once upon a time")
    before = len(body.inner_text())
    second = page.context.new_page()
    second.goto(page.url)
    expect(second.locator("article .body")).to_contain_text("Once upon a time")
    expect(body).to_have_text(re.compile(rf".{{{before + 100},}}", re.DOTALL))
    page.get_by_role("button", name="Stop (Esc)").click()
    for window in (page, second):
        expect(window.get_by_text("Stopped before the end.")).to_be_visible()
    say(page, GREETING)
    answers(page, 2)
    expect(second.get_by_text("Hello, and welcome")).to_be_visible(timeout=ANSWERED_MS)


def test_another_wording_is_a_branch(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, GREETING)
    answers(page)
    box(page).press("ArrowUp")
    edit = page.get_by_role("textbox", name="Another wording")
    expect(edit).to_have_value(GREETING)
    edit.fill(GREETING_REWORDED)
    edit.press("Enter")
    expect(answers(page).locator(".body")).to_contain_text("Bonjour")
    expect(page.get_by_role("img", name="Version 2 of 2")).to_be_visible()
    with page.expect_response(lambda response: response.request.method == "PATCH"):
        page.get_by_role("button", name="Previous version").click()
    expect(page.locator("article .body")).to_contain_text("Hello")
    page.reload()
    expect(page.locator("article .body")).to_contain_text("Hello")


def test_answered_again_and_judged(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, GREETING)
    answers(page)
    page.get_by_role("button", name="Answer again").click()
    page.get_by_role("menuitem", name="Answer again").click()
    expect(page.get_by_role("img", name="Version 2 of 2")).to_be_visible()
    expect(page.get_by_role("button", name="Stop (Esc)")).to_have_count(0)
    answers(page)
    page.get_by_role("button", name="Bad answer").click()
    page.get_by_role("button", name="Incomplete").click()
    page.get_by_role("textbox", name="What was wrong").press("Enter")
    expect(page.get_by_role("textbox", name="What was wrong")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Previous version").click()
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "false")


def test_judged_while_the_conversation_was_on_its_way(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, GREETING)
    answers(page)
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/messages?*", lambda route: held.append((route, route.fetch())))
    page.get_by_role("button", name="Answer again").click()
    page.get_by_role("menuitem", name="Answer again").click()
    expect(page.locator("article footer")).to_have_count(0)
    answers(page)
    while len(held) < 2:  # what is read when the answer begins and when it has ended
        page.wait_for_timeout(20)
    page.get_by_role("button", name="Bad answer").click()
    for route, as_it_was in held:
        route.fulfill(response=as_it_was)
    expect(page.get_by_role("img", name="Version 2 of 2")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Incomplete").click()
    expect(page.get_by_role("textbox", name="What was wrong")).to_have_value("Incomplete")


def test_an_older_look_does_not_write_the_answer_once_more(sign_in: Any) -> None:
    page: Page = sign_in()
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/messages?*", lambda route: held.append((route, route.fetch())))
    say(page, GREETING)
    answers(page)
    while len(held) < 2:  # what is read when the answer begins and when it has ended
        page.wait_for_timeout(20)
    assert held[0][1].json()["items"][-1]["status"] == "writing"
    page.evaluate(COUNT_ANSWERS)
    for route, as_it_was in reversed(held):
        route.fulfill(response=as_it_was)
    page.unroute_all()
    page.wait_for_timeout(500)
    expect(answers(page).locator(".body")).to_have_text("Hello, and welcome to the library.")
    assert {*page.evaluate("window.wholeAnswers")} <= {1}, "it was shown as being written again"


def test_two_answers_side_by_side(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, GREETING)
    first = answers(page).get_attribute("data-message")
    key = page.url.split("#/chat/")[1].split("?")[0]
    path = f"/api/conversations/{key}/messages/{first}/regenerate"
    second = post(page, path, {"model": SECOND, "assistant": "conversation"})["message_id"]
    page.goto(f"/#/chat/{key}?pair={first}.{second}")
    both = page.get_by_role("region", name="Two answers side by side")
    expect(both.get_by_role("article")).to_have_count(2)
    expect(both.get_by_role("article").last).to_contain_text(f"({SECOND})")
    expect(page.get_by_text("Choose one of the two answers to go on.")).to_be_visible()
    both.get_by_role("button", name="Go on with this one").first.click()
    expect(both).to_have_count(0)
    expect(page.get_by_role("img", name="Version 1 of 2")).to_be_visible()
    assert "pair" not in page.url
    say(page, GREETING)
    answers(page, 2)
    shown = page.request.get(f"/api/conversations/{key}/messages").json()["items"]
    assert [one["id"] for one in shown][1] == first


def test_kept_in_order(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, GREETING)
    answers(page)
    listed = page.get_by_role("navigation", name="Conversations")
    link = listed.get_by_role("link", name=GREETING)
    link.focus()
    page.keyboard.press("F2")
    page.get_by_role("textbox", name="Title").fill("Words of welcome")
    page.keyboard.press("Enter")
    expect(listed.get_by_role("link", name="Words of welcome")).to_be_visible()

    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Move to a folder").click()
    page.get_by_role("textbox", name="New folder").fill("Front desk")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Show: All conversations").click()
    page.get_by_role("menuitemradio", name="Front desk").click()
    expect(listed.get_by_role("link", name="Words of welcome")).to_be_visible()

    page.get_by_role("searchbox", name="Search conversations").fill("welcome library")
    expect(listed.locator("mark").first).to_have_text("welcome")
    page.get_by_role("searchbox", name="Search conversations").fill("nothing like this")
    expect(listed.get_by_text("No conversation holds these words.")).to_be_visible()
    page.get_by_role("searchbox", name="Search conversations").fill("")

    page.get_by_role("button", name="Actions for Words of welcome").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(listed.get_by_role("link", name="Words of welcome")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(listed.get_by_role("link", name="Words of welcome")).to_be_visible()


def test_exported(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, GREETING)
    answers(page)
    page.get_by_role("button", name="More", exact=True).click()
    with page.expect_download() as kept:
        page.get_by_role("menuitem", name="Markdown").click()
    text = Path(kept.value.path()).read_text()
    assert kept.value.suggested_filename.endswith(".md")
    assert GREETING in text
    assert "Hello, and welcome to the library." in text


def test_shared_to_be_read(sign_in: Any, rest: Rest) -> None:
    reader: Person = rest.person()
    page: Page = sign_in()
    say(page, GREETING)
    answers(page)
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_role("combobox", name="Share with").fill(reader.username)
    page.get_by_role("option", name=reader.username).click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Sharing saved")).to_be_visible()

    other: Page = sign_in(reader)
    other.get_by_role("button", name="Show: All conversations").click()
    other.get_by_role("menuitemradio", name="Shared with me").click()
    other.get_by_role("navigation", name="Conversations").get_by_role("link", name=GREETING).click()
    expect(other.locator("article .body")).to_contain_text("Hello")
    expect(other.get_by_text("shares this with you")).to_be_visible()
    expect(box(other)).to_have_count(0)
    expect(other.get_by_role("button", name="Answer again")).to_have_count(0)


def test_saved_prompt_is_called_by_its_name(sign_in: Any) -> None:
    page: Page = sign_in()
    post(
        page, "/api/prompts", {"name": "hello", "title": "A greeting", "text": "Please say {{word}} to our {{guests}}."}
    )
    box(page).press_sequentially("/hell")
    expect(page.get_by_role("option", name="/hello")).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="word").fill("hello")
    page.get_by_role("textbox", name="guests").fill("visitors")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value(GREETING)
    page.keyboard.press("Enter")
    expect(answers(page).locator(".body")).to_contain_text("Hello")


def test_a_name_is_never_sent_while_it_is_looked_for(sign_in: Any, librarian: str) -> None:
    page: Page = sign_in()
    post(page, "/api/prompts", {"name": "morning", "title": "A greeting", "text": GREETING})
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/assistants?*", hold)
    page.route("**/api/prompts?*", hold)
    page.reload()
    box(page).press_sequentially(f"@{librarian[:4]}")
    page.keyboard.press("Enter")
    page.keyboard.type("/morn")
    page.wait_for_timeout(300)
    expect(box(page)).to_have_value(f"@{librarian[:4]}/morn")
    _let_go(held)
    expect(page.get_by_role("button", name="Who answers: Librarian")).to_be_visible()
    expect(box(page)).to_have_value("/morn")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    _let_go(held)
    expect(box(page)).to_have_value(GREETING)
    box(page).fill("/nothing-of-that-name")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    expect(page.get_by_role("article")).to_have_count(0)
    _let_go(held)
    expect(page.get_by_role("article")).to_have_count(1)
    page.unroute_all()


def _let_go(held: list[Route]) -> None:
    while held:
        held.pop(0).continue_()


def test_attached_document_is_asked_about(sign_in: Any) -> None:
    page: Page = sign_in()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    note = b"The reading rooms of the annex close at seven in the evening. The annex was opened in 1962.\n"
    chooser.value.set_files({"name": "annex.txt", "mimeType": "text/plain", "buffer": note})
    attached = page.get_by_role("list", name="Attachments")
    expect(attached.get_by_role("link", name="annex.txt")).to_be_visible(timeout=ANSWERED_MS)
    expect(attached.get_by_text("being read")).to_have_count(0, timeout=ANSWERED_MS)
    page.reload()
    attached.get_by_role("button", name="annex.txt").click()
    expect(attached).to_have_count(0)


def test_what_was_typed_is_kept(sign_in: Any) -> None:
    page: Page = sign_in(expected=("ERR_INTERNET_DISCONNECTED",))
    say(page, GREETING)
    answers(page)
    box(page).fill("Half a message")
    page.get_by_role("button", name="New conversation (N)").click()
    expect(box(page)).to_have_value("")
    box(page).fill("Another one")
    page.reload()
    expect(box(page)).to_have_value("Another one")
    page.get_by_role("navigation", name="Conversations").get_by_role("link", name=GREETING).click()
    expect(box(page)).to_have_value("Half a message")
    page.context.set_offline(True)
    box(page).press("Enter")
    expect(page.get_by_role("alert").get_by_text("The appliance does not answer")).to_be_visible()
    expect(box(page)).to_have_value("Half a message")
    page.context.set_offline(False)


def test_palette_knows_conversations(sign_in: Any) -> None:
    page: Page = sign_in()
    say(page, GREETING)
    answers(page)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("export")
    expect(page.get_by_role("option", name=re.compile("Export this conversation: Word"))).to_be_visible()
    page.get_by_role("combobox").fill("welcome to the")
    expect(page.get_by_role("option", name=GREETING)).to_be_visible()
    page.get_by_role("combobox").fill("New conversation")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Good to see you")).to_be_visible()


def test_limit_is_said_before_it_hurts(sign_in: Any) -> None:
    page: Page = sign_in(expected=("429 (Too Many Requests)",))
    say(page, GREETING)
    answers(page)
    key = page.url.split("#/chat/")[1].split("?")[0]
    for _ in range(7):
        post(page, "/api/chat", {"conversation_id": key, "message": GREETING, "assistant": "conversation"})
    page.reload()
    expect(page.get_by_text("2 more messages this minute")).to_be_visible()
    for _ in range(2):
        post(page, "/api/chat", {"conversation_id": key, "message": GREETING, "assistant": "conversation"})
    say(page, GREETING)
    expect(page.get_by_role("timer")).to_contain_text("you can send again in")
    expect(box(page)).to_have_value(GREETING)


HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
SCROLL_TO = "(scroller, top) => { scroller.scrollTop = top; return scroller.scrollHeight - scroller.clientHeight }"


def ask_for_a_person(page: Page, conversation: str) -> str:
    body = {"conversation_id": conversation, "message": "I want to talk to a human about my card."}
    return post(page, "/api/chat", body)["escalation_id"]


@pytest.mark.parametrize(
    "language, told, show", [("en", "has answered", "Show the answer"), ("fr", "a répondu", "Voir la réponse")]
)
def test_answer_of_a_colleague_appears_in_the_open_conversation(
    sign_in: Any, rest: Rest, language: str, told: str, show: str
) -> None:
    page: Page = sign_in(language=language, height=420)
    conversation, author = f"open-{secrets.token_hex(4)}", rest.get("/api/me")["user"]["username"]
    asked = [ask_for_a_person(page, conversation) for _ in range(2)]
    page.goto(f"/#/chat/{conversation}")
    expect(page.locator("article footer")).to_have_count(2)
    typing = page.get_by_role("textbox")
    typing.press_sequentially("Half a mess")
    scroller = page.locator("main .scroller", has=page.get_by_role("article"))
    assert scroller.evaluate(SCROLL_TO, 0) > 0

    rest.post(f"/api/escalations/{asked[0]}/answer", {"message": "I am a person. How can I help?"})
    answer = page.get_by_role("article").filter(has_text="I am a person.")
    expect(answer.get_by_text(author, exact=True)).to_be_attached()
    expect(page.get_by_role("status").get_by_text(f"{author} {told}")).to_be_visible()
    typing.press_sequentially("age")
    expect(typing).to_have_value("Half a message")
    expect(typing).to_be_focused()
    assert scroller.evaluate("(scroller) => scroller.scrollTop") == 0
    expect(answer).not_to_be_in_viewport()
    page.get_by_role("button", name=show).click()
    expect(answer).to_be_in_viewport()
    title = page.title()

    page.evaluate(HIDE, True)
    rest.post(f"/api/escalations/{asked[1]}/answer", {"message": "Here is your new card."})
    expect(page).to_have_title(f"(1) {title}")
    expect(page.get_by_role("article").filter(has_text="Here is your new card.")).to_be_attached()
    page.evaluate(HIDE, False)
    expect(page).to_have_title(title)
    expect(page.get_by_role("button", name=show)).to_be_visible()
    page.reload()
    expect(page.get_by_role("article").filter(has_text="Here is your new card.")).to_be_attached()
    expect(page.get_by_text(f"{author} {told}")).to_have_count(0)
