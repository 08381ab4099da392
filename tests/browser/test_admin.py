"""The administrator's pages: people in and out, the audit, the health of the box."""

import re
import secrets
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import OpenPage, Rest, Server


def test_somebody_is_added_and_disabled(server: Server, sign_in: Any, open_page: OpenPage) -> None:
    page: Page = sign_in(role="admin")
    page.goto(server.url + "/#/admin/users")
    page.get_by_role("button", name="Add a person").click()
    page.get_by_role("textbox", name="Sign-in name").fill("not a name")
    page.get_by_role("button", name="Add and make a sign-in link").click()
    expect(page.get_by_text("without spaces")).to_be_visible()
    page.get_by_role("textbox", name="Sign-in name").fill("newcomer")
    page.get_by_role("button", name="Add and make a sign-in link").click()
    link = page.get_by_role("textbox", name="Link").input_value()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()

    newcomer = open_page()
    newcomer.goto(server.url + "/" + link[link.index("#") :])
    newcomer.wait_for_selector("main#main")
    expect(newcomer.get_by_role("link", name="Admin")).to_have_count(0)
    newcomer.goto(server.url + "/#/admin/users")
    expect(newcomer.get_by_role("heading", name="There is no such page", level=1)).to_be_attached()

    page.get_by_role("searchbox", name="Find").fill("newcomer")
    page.get_by_role("button", name="Actions for newcomer").click()
    page.get_by_role("menuitem", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("row").filter(has_text="newcomer").get_by_text("Disabled")).to_be_visible()
    newcomer.goto(server.url + "/#/documents")
    expect(newcomer.get_by_role("heading", name="Sign in")).to_be_visible()


def test_group_is_made_and_changed(server: Server, rest: Rest, sign_in: Any) -> None:
    member = rest.person()
    page: Page = sign_in(role="admin")
    page.goto(server.url + "/#/admin/groups")
    page.get_by_role("button", name="Add a group").first.click()
    page.get_by_role("textbox", name="Name").fill(f"Group of {member.username}")
    page.get_by_role("combobox", name="Members").fill(member.username)
    page.get_by_role("option").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("row").filter(has_text=f"Group of {member.username}")).to_contain_text(
        member.username.title()
    )


def test_audit_is_filtered_and_verified(server: Server, sign_in: Any) -> None:
    page: Page = sign_in(role="admin")
    page.goto(server.url + "/#/admin/audit")
    page.get_by_label("What").select_option("login.done")
    expect(page.get_by_role("row").filter(has_text="signed in").first).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="added a person")).to_have_count(0)
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_text("The chain holds")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    assert download.value.suggested_filename == "audit.jsonl"
    page.get_by_role("row").filter(has_text="signed in").first.click()
    expect(page.get_by_role("dialog").get_by_text("Previous hash")).to_be_visible()


def test_failed_job_is_named_and_tried_again(server: Server, rest: Rest, sign_in: Any) -> None:
    collection = rest.post("/api/collections", {"name": "Odd files"})["id"]
    rest.send("odd.bin", bytes(range(256)) * 40, collection=collection)
    admin = rest.person(role="admin")
    page: Page = sign_in(admin)
    page.goto(server.url + "/#/admin/jobs?status=dead")
    job = page.get_by_role("row").filter(has_text="This kind of file")
    expect(job.first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("odd.bin")).to_have_count(0)  # not theirs to read, so not theirs to know
    rest.put(f"/api/collections/{collection}/permissions", {"readers": [{"user": admin.id}], "editors": []})
    page.reload()
    job = page.get_by_role("row").filter(has_text="odd.bin")
    expect(job).to_contain_text("Index a document")
    job.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Queued again")).to_be_visible()


def test_somebody_elses_key_is_revoked(server: Server, rest: Rest, sign_in: Any) -> None:
    name = f"Key of {secrets.token_hex(3)}"
    key = rest.post("/api/keys", {"name": name, "scopes": ["knowledge"]})["key"]
    page: Page = sign_in(role="admin")
    page.goto(server.url + "/#/admin/keys")
    row = page.get_by_role("row").filter(has_text=name)
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row.get_by_text("Revoked")).to_be_visible()
    headers = {"Authorization": f"Bearer {key}", "Cookie": ""}
    assert page.request.get("/api/rag/documents", headers=headers).status == 401


def test_measured_runs_are_drawn_over_time(server: Server, rest: Rest, sign_in: Any) -> None:
    name = f"set-{secrets.token_hex(3)}"
    for value in (0.71, 0.76):
        measures = {"nDCG@10": value, "hit@5": value + 0.1, "p95 ms": 41.5}
        run = {"kind": "retrieval", "name": name, "questions": 120, "measures": measures, "seconds": 3.2}
        rest.post("/api/evaluations", run)
    page: Page = sign_in(role="admin")
    page.goto(server.url + "/#/admin/evaluations")
    rows = page.get_by_role("row").filter(has_text=name)
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("0.760")
    expect(page.get_by_role("columnheader", name="95 % within, ms")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("nDCG@10"))).to_be_visible()
    page.get_by_label("Measure").select_option("hit@5")
    expect(page.get_by_role("img", name=re.compile("hit@5"))).to_be_visible()


@pytest.mark.parametrize(
    "language, tab, measure",
    [("en", "Routing", "Right (cross-validated)"), ("fr", "Aiguillage", "Justes (validation croisée)")],
)
def test_measured_routing_is_said_in_words(rest: Rest, sign_in: Any, language: str, tab: str, measure: str) -> None:
    name = f"routes-{secrets.token_hex(3)}"
    measures = {"shipped accuracy": 0.93, "cross-validated accuracy": 0.91, "cross-validated calibration error": 0.04}
    run = {"kind": "routing", "name": name, "questions": 200, "measures": measures, "seconds": 3.2}
    rest.post("/api/evaluations", run)
    page: Page = sign_in(role="admin", language=language)
    page.goto("/#/admin/evaluations")
    page.get_by_role("tab", name=tab).click()
    expect(page.get_by_role("row").filter(has_text=name)).to_contain_text("910")
    expect(page.get_by_role("columnheader", name=measure.split(" ", maxsplit=1)[0], exact=True)).to_be_visible()
    expect(page.get_by_role("img", name=re.compile(re.escape(measure)))).to_be_visible()
    expect(page.get_by_text("nDCG@10")).to_have_count(0)


def test_api_is_described_without_asking_anybody(server: Server, sign_in: Any) -> None:
    page: Page = sign_in()
    page.goto(server.url + "/api/docs")
    page.get_by_role("link", name="Knowledge").click()
    expect(page.get_by_text(re.compile("Add a file; indexing starts by itself"))).to_be_visible()
    assert page.locator("link[rel=icon]").get_attribute("href") == "/icon.svg"


def test_health_shows_engines_and_proves_consistency(server: Server, sign_in: Any) -> None:
    page: Page = sign_in(role="admin")
    page.goto(server.url + "/#/admin/health")
    for engine in ("Language model", "Embedding", "Vector index", "Database"):
        expect(page.get_by_role("listitem").filter(has_text=engine).first).to_be_visible()
    page.get_by_role("button", name="Prove now").click()
    expect(page.get_by_text(re.compile("promises? hold"))).to_be_visible(timeout=60_000)


def test_ledger_says_that_nothing_left(server: Server, sign_in: Any) -> None:
    page: Page = sign_in(role="admin")
    expect(page.get_by_role("navigation", name="Rooms").get_by_text("Nothing has left this box since")).to_be_visible()
    page.goto(server.url + "/#/admin/egress")
    expect(page.get_by_role("heading", name=re.compile("Nothing has left this box since"))).to_be_visible()
