"""One's own things: language, appearance, password, keys, and doing everything by keyboard."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.harness import OpenPage, Rest, Server

PASSWORD = "correct horse battery"


def test_language_and_theme_follow_the_person(rest: Rest, sign_in: Any) -> None:
    person = rest.person()
    page: Page = sign_in(person)
    user = page.get_by_role("button", name=person.username.title())
    user.click()
    page.get_by_role("menuitemradio", name="Français").click()
    expect(page.get_by_role("link", name="Questions")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "fr"
    user.click()
    with page.expect_response(lambda response: response.request.method == "PATCH"):
        page.get_by_role("menuitemradio", name="Sombre").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.get_by_role("link", name="Questions")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_french_browser_is_greeted_in_french(server: Server, open_page: OpenPage) -> None:
    page = open_page(locale="fr-FR")
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Identification")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_password_set_and_used(server: Server, rest: Rest, sign_in: Any, open_page: OpenPage) -> None:
    person = rest.person()
    page: Page = sign_in(person)
    page.goto(server.url + "/#/account/password")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("At least 10 characters", exact=True)).to_be_visible()
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("The password is set.")).to_be_visible()

    other = open_page()
    other.goto(server.url + "/#/documents")
    other.get_by_role("textbox", name="Name").fill(person.username)
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.keyboard.press("Enter")
    expect(other.get_by_role("heading", name="Documents", level=1)).to_be_visible()


def test_api_key_is_shown_once_and_revoked(server: Server, sign_in: Any) -> None:
    page: Page = sign_in()
    page.goto(server.url + "/#/account/keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_role("textbox", name="What it is for").fill("Nightly import")
    page.get_by_role("button", name="Make the key").click()
    key = page.get_by_role("textbox", name="Key", exact=True).input_value()
    headers = {"Authorization": f"Bearer {key}", "Cookie": ""}
    assert page.request.get("/api/rag/documents", headers=headers).status == 200
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    assert key not in page.content()
    page.get_by_role("row").filter(has_text="Nightly import").get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row").filter(has_text="Nightly import").get_by_text("Revoked")).to_be_visible()
    assert page.request.get("/api/rag/documents", headers=headers).status == 401


def test_everything_by_keyboard(sign_in: Any) -> None:
    page: Page = sign_in()
    page.keyboard.press("Control+k")
    page.keyboard.type("docum")
    expect(page.get_by_role("option", name=re.compile("^Documents")).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Documents", level=1)).to_be_visible()

    page.keyboard.press("Control+k")
    page.keyboard.type("new collection")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="New collection")).to_be_visible()
    page.keyboard.type("By hand")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By hand", level=1)).to_be_visible()

    page.keyboard.press("Control+k")
    page.keyboard.type("dark")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Control+k")
    page.keyboard.type("who lives next door")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Your message")).to_have_value("who lives next door")


def test_focus_is_always_seen(server: Server, sign_in: Any) -> None:
    page: Page = sign_in(role="admin")
    for path in ("/#/documents", "/#/admin/users", "/#/account"):
        page.goto(server.url + path)
        page.wait_for_timeout(300)
        page.locator("main#main").focus()
        for _ in range(25):
            page.keyboard.press("Tab")
            seen = page.evaluate(
                """() => {
                  const element = document.activeElement;
                  if (element === document.body) return "body";
                  const ring = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
                  const outlined = (one) => one && ring(getComputedStyle(one));
                  const framed = element.closest(".control, .box, .field");
                  const row = element.getAttribute("role") === "grid";
                  return outlined(element) || outlined(framed) || row ? "" : element.outerHTML.slice(0, 160);
                }"""
            )
            assert seen in {"", "body"}, f"{path}: no focus ring on {seen}"


def test_table_by_keyboard(server: Server, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(server.url + "/#/dev/components")
    grid = page.get_by_role("grid", name="Reports")
    grid.focus()
    assert grid.locator(".rows > .row").count() < 60
    page.keyboard.press("End")
    expect(grid.locator("[role=row]", has_text="report_9999.pdf")).to_be_visible()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(grid.locator(".row.opened")).to_contain_text("report_2.pdf")
    page.keyboard.press("Shift+ArrowUp")
    assert grid.locator("[aria-selected=true]").count() >= 1
    width = grid.get_by_role("columnheader", name="Name").bounding_box()
    grid.get_by_role("button", name="Name").focus()
    page.keyboard.press("Alt+ArrowRight")
    wider = grid.get_by_role("columnheader", name="Name").bounding_box()
    assert width is not None
    assert wider is not None
    assert wider["width"] != width["width"]
