"""Assistants, prompts, memory, escalations, use and analytics: what stands around conversations."""

import re
import secrets
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import OpenPage, Rest, Server

SQUARE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73000000104944415478da63e0c9ce0022060805001702037d"
    "a33b469b0000000049454e44ae426082"
)
"""Two by two points of the accent, as PNG."""
GUIDE = "The library opens at nine. Readers borrow books with their card and bring them back within three weeks."


def test_assistant_is_made_changed_and_exported(server: Server, sign_in: Any, tmp_path: Path) -> None:
    page: Page = sign_in(role="admin")
    name = f"guide-{secrets.token_hex(3)}"
    page.goto(server.url + "/#/assistants?new=1")
    page.get_by_role("textbox", name="Title").fill(name.replace("-", " ").title())
    expect(page.get_by_role("textbox", name="Name")).to_have_value(name)
    page.get_by_role("textbox", name="Persona").fill("You know the {{library}} by heart.")
    page.get_by_role("button", name="Add an example").click()
    page.get_by_role("textbox", name="Example 1").fill("When does the library open?")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("How do I borrow a book?")
    page.locator("input[type=file][accept*=png]").set_input_files(
        {"name": "face.png", "mimeType": "image/png", "buffer": SQUARE}
    )
    expect(page.locator("img[src^=blob]")).to_be_visible()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name=name.replace("-", " ").title())).to_be_visible()
    expect(page.get_by_role("textbox", name="Example 2")).to_have_value("How do I borrow a book?")
    expect(page.locator(f"img[src*='{name}/picture']")).to_be_visible()

    page.get_by_role("textbox", name="What it is for").fill("The library.")
    page.get_by_role("link", name="Documents", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("textbox", name="What it is for")).to_have_value("The library.")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()

    page.get_by_role("button", name=re.compile("^Actions for")).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export as TOML").click()
    assert download.value.suggested_filename == f"{name}.toml"
    kept = tmp_path / "kept.toml"
    download.value.save_as(kept)
    assert "You know the {{library}} by heart." in kept.read_text()

    page.get_by_role("button", name=re.compile("^Actions for")).click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the assistant").click()
    expect(page.get_by_role("heading", level=1, name="Assistants")).to_be_visible()
    page.locator("input[type=file][accept*=toml]").set_input_files(kept)
    expect(page.get_by_role("textbox", name="Example 1")).to_have_value("When does the library open?")


def test_routing_is_tried_and_members_only_look(server: Server, rest: Rest, sign_in: Any) -> None:
    name = f"library-{secrets.token_hex(3)}"
    examples = [
        "When does the library open?",
        "How do I borrow a book?",
        "My reader’s card is lost",
        "Bring books back",
    ]
    described = {"title": name.title(), "routing_description": GUIDE, "examples": examples, "persona": "Secret words."}
    rest.post("/api/assistants", {"name": name, **described})
    page: Page = sign_in(role="admin")
    page.goto(server.url + "/#/assistants?try=1")
    page.get_by_role("textbox", name="Message").fill("When does the library open on Monday?")
    page.keyboard.press("Enter")
    result = page.get_by_role("region", name="Goes to")
    expect(result.get_by_text(re.compile(r"^(high|medium|low) [01]\.\d\d$"))).to_be_visible()
    expect(result.get_by_text(name.title()).first).to_be_visible()

    member: Page = sign_in()
    member.goto(server.url + "/#/assistants")
    member.get_by_role("link", name=name.title()).click()
    expect(member.get_by_text("How do I borrow a book?").first).to_be_visible()
    expect(member.get_by_role("button", name="Save")).to_have_count(0)
    expect(member.get_by_text("Secret words.")).to_have_count(0)


def test_prompt_is_written_filled_in_and_shared(server: Server, sign_in: Any) -> None:
    page: Page = sign_in(expected=("409",))
    page.goto(server.url + "/#/prompts")
    page.get_by_role("button", name="New prompt").last.click()
    name = f"minutes-{secrets.token_hex(3)}"
    page.get_by_role("textbox", name="Title").fill("Minutes of a meeting")
    page.get_by_role("textbox", name="Name to insert it by").fill(name)
    page.get_by_role("textbox", name="Text", exact=True).fill("Minutes for {{client}} on {{day}}.")
    page.get_by_role("textbox", name="client").fill("Marie")
    expect(page.get_by_role("region", name="Preview")).to_contain_text("Minutes for Marie on day.")
    page.get_by_role("switch", name="Share with everybody").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name=f"Minutes of a meeting /{name}")).to_be_visible()

    page.get_by_role("button", name="New prompt").first.click()
    page.get_by_role("textbox", name="Title").fill("Another one")
    page.get_by_role("textbox", name="Name to insert it by").fill(name)
    page.get_by_role("textbox", name="Text", exact=True).fill("Nothing to fill in.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("You have a prompt of this name already")).to_be_visible()

    other: Page = sign_in()
    other.goto(server.url + "/#/prompts")
    other.get_by_role("searchbox").fill(name)
    other.get_by_role("link", name="Minutes of a meeting").click()
    expect(other.get_by_role("region", name="Preview")).to_contain_text("Minutes for client on day.")
    expect(other.get_by_role("button", name="Save")).to_have_count(0)


def test_memory_is_kept_changed_and_forgotten(server: Server, sign_in: Any) -> None:
    page: Page = sign_in()
    page.goto(server.url + "/#/account/memory")
    page.get_by_role("textbox", name="Something assistants should know").fill("I work in Lyon.")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Change: I work in Lyon.").click()
    page.get_by_role("textbox", name="Memory").fill("I work in Nantes.")
    page.keyboard.press("Enter")
    with page.expect_response(lambda response: response.request.method == "PATCH"):
        page.get_by_role("switch", name="Use: I work in Nantes.").click()
    expect(page.get_by_text("not used ·")).to_be_visible()
    page.reload()
    expect(page.get_by_role("switch", name="Use: I work in Nantes.")).not_to_be_checked()
    page.get_by_role("button", name="Delete: I work in Nantes.").click()
    expect(page.get_by_text("Nothing is remembered about you")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("I work in Nantes.", exact=True)).to_be_visible()


@pytest.fixture
def escalated(server: Server, rest: Rest, open_page: OpenPage) -> str:
    """Somebody asked for a person; what they said first."""
    asked = f"I want to talk to a human about {secrets.token_hex(3)}"
    person = rest.person()
    page = open_page()
    page.goto(server.link(person))
    page.wait_for_selector("main#main")
    csrf = page.request.get(server.url + "/api/me").json()["csrf_token"]
    body = {"conversation_id": f"studio-{secrets.token_hex(4)}", "message": asked}
    answered = page.request.post(server.url + "/api/chat", data=body, headers={"X-CSRF-Token": csrf}, timeout=60_000)
    assert answered.ok, answered.text()
    assert answered.json()["agent"] == "escalate"
    return asked


def test_escalation_is_answered(server: Server, escalated: str, sign_in: Any) -> None:
    page: Page = sign_in(role="admin")
    rail = page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Escalations")
    expect(rail).to_contain_text(re.compile(r"\d"))
    rail.click()
    page.get_by_role("link").filter(has_text=escalated).first.click()
    article = page.get_by_role("article").filter(has_text=escalated)
    expect(article).to_be_visible()
    page.get_by_role("textbox", name="Your answer").fill("I am a person. How can I help?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("article").filter(has_text="I am a person.")).to_be_visible()
    expect(page.get_by_text(re.compile("^Answered by"))).to_be_visible()
    page.goto(server.url + "/#/admin/analytics?days=7")
    expect(page.get_by_role("img", name="Messages per day")).to_be_visible()
    page.get_by_role("tab", name="By model").click()
    page.get_by_text("Show as a table").first.click()
    expect(page.get_by_role("rowheader").first).to_be_visible()


def test_use_is_shown_to_oneself_and_of_everybody(server: Server, sign_in: Any) -> None:
    page: Page = sign_in(role="admin")
    page.goto(server.url + "/#/account/usage")
    expect(page.get_by_role("heading", name="Messages", level=2)).to_be_visible()
    page.goto(server.url + "/#/admin/usage")
    expect(page.get_by_role("grid", name="Use today")).to_be_visible()
