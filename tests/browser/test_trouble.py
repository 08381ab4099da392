"""When things go wrong: a cut stream, no network, hostile text, a session that ends."""

from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.harness import OpenPage, Rest, Server
from tests.browser.test_journey import ANSWERED_MS, add_report, ask, open_ask


def test_cut_stream_goes_on_where_it_was(sign_in: Any) -> None:
    page: Page = sign_in(role="admin")
    add_report(page)
    resumed: list[str | None] = []
    page.on(
        "request",
        lambda request: (
            resumed.append(request.headers.get("last-event-id"))
            if "/events" in request.url and "/runs/" in request.url
            else None
        ),
    )

    def cut(route: Route) -> None:
        whole = route.fetch()
        events = whole.text().split("\n\n")
        route.fulfill(response=whole, body="\n\n".join(events[:2]) + "\n\n")

    page.route("**/api/rag/chat", cut)
    ask(page, "When was the library founded?")
    answer = page.get_by_role("article")
    expect(answer.locator("footer")).to_be_visible(timeout=ANSWERED_MS)
    expect(answer.locator(".body")).to_contain_text("1962")
    assert resumed == ["2"]


def test_answer_survives_a_reload(sign_in: Any) -> None:
    page: Page = sign_in()
    add_report(page)
    ask(page, "When was the library founded?")
    expect(page.get_by_role("article").locator("footer")).to_be_visible(timeout=ANSWERED_MS)
    page.reload()
    expect(page.get_by_role("article").locator(".body")).to_contain_text("1962")
    page.locator(".cite").first.click()
    expect(page.get_by_role("complementary", name="Source").locator("mark").first).to_be_visible()


def test_away_and_back_keeps_what_was_typed(sign_in: Any) -> None:
    page: Page = sign_in(expected=("ERR_INTERNET_DISCONNECTED",))
    open_ask(page)
    page.get_by_role("textbox", name="Your question").fill("A question that must not be lost")
    page.context.set_offline(True)
    expect(page.get_by_text("The appliance does not answer.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("article").get_by_role("button", name="Try again")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("The appliance does not answer.")).to_have_count(0)
    page.get_by_role("article").get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Try other words.")).to_be_visible(timeout=ANSWERED_MS)


def test_upload_waits_for_the_network(sign_in: Any, server: Server) -> None:
    page: Page = sign_in(expected=("ERR_INTERNET_DISCONNECTED", "ERR_FAILED"))
    page.goto(server.url + "/#/documents")
    page.wait_for_selector(".empty")
    page.context.set_offline(True)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Files…").click()
    chooser.value.set_files({"name": "later.txt", "mimeType": "text/plain", "buffer": b"It arrives later."})
    expect(page.get_by_text("Waits for the appliance")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("row").filter(has_text="later.txt")).to_be_visible(timeout=60_000)


def test_what_could_not_be_read_or_searched_is_said(sign_in: Any) -> None:
    page: Page = sign_in()
    add_report(page)

    def lack(route: Route) -> None:
        whole = route.fetch()
        body = whole.json()
        if "documents" in body:
            body["documents"][0]["unread_pages"] = 2
        else:
            body["degraded"] = "The embedder did not answer: found by words alone."
        route.fulfill(response=whole, json=body)

    page.route("**/api/rag/search", lack)
    page.route("**/api/rag/documents?**", lack)
    ask(page, "When was the library founded?")
    expect(page.get_by_role("article").locator("footer")).to_be_visible(timeout=ANSWERED_MS)
    page.get_by_role("button", name="Passages").click()
    expect(page.get_by_text("found by words alone")).to_be_visible()
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Documents", exact=True).click()
    page.get_by_role("row").filter(has_text="report.pdf").get_by_text("Indexed").hover()
    expect(page.get_by_role("tooltip")).to_have_text("2 pages could not be read")


def test_ended_session_brings_one_back(server: Server, rest: Rest, sign_in: Any) -> None:
    person = rest.person()
    page: Page = sign_in(person)
    open_ask(page)
    page.get_by_role("textbox", name="Your question").fill("Half a question")
    page.context.clear_cookies()
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Documents", exact=True).click()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    link = rest.post(f"/api/users/{person.id}/reset", {})["url"]
    page.goto(server.url + "/" + link[link.index("#") :])
    page.get_by_role("link", name="Ask the documents").click()
    expect(page.get_by_role("textbox", name="Your question")).to_have_value("Half a question")


def test_hostile_markdown_neither_runs_nor_fetches(server: Server, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(server.url + "/#/dev/components")
    hostile = page.locator("#hostile")
    expect(hostile).to_contain_text("click")
    page.wait_for_timeout(300)
    assert hostile.locator("img, script, iframe, svg, [style], [onload], [onerror]").count() == 0
    assert page.title() != "run"
    for address in hostile.locator("a").evaluate_all("links => links.map((link) => link.getAttribute('href'))"):
        assert address is None or address.startswith(("http:", "https:", "mailto:", "#"))
