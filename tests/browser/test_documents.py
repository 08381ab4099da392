"""Documents in the browser: sharing, passwords, many at once, deleting with a way back."""

import time
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.harness import Rest
from tests.browser.papers import REPORT, make_pdf
from tests.browser.test_journey import ANSWERED_MS, INDEXED_MS, add_file, ask


def open_documents(page: Page) -> None:
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Documents", exact=True).click()
    page.wait_for_selector("[role=grid], .empty")


def test_shared_with_one_and_not_another(rest: Rest, sign_in: Any) -> None:
    reader, stranger = rest.person(), rest.person()
    owner_page: Page = sign_in()
    open_documents(owner_page)
    owner_page.get_by_role("button", name="New collection").click()
    owner_page.get_by_role("textbox", name="Name").fill("Shared papers")
    owner_page.get_by_role("button", name="Create").click()
    expect(owner_page.get_by_role("heading", name="Shared papers", level=1)).to_be_visible()
    add_file(owner_page, "shared.pdf", make_pdf(REPORT))
    expect(owner_page.get_by_role("row").filter(has_text="shared.pdf").get_by_text("Indexed")).to_be_visible(
        timeout=INDEXED_MS
    )

    owner_page.get_by_role("link", name="Shared papers").hover()
    owner_page.get_by_role("button", name="Actions for Shared papers").click()
    owner_page.get_by_role("menuitem", name="Share").click()
    owner_page.get_by_role("combobox", name="Add people or groups").fill(reader.username)
    owner_page.get_by_role("option").first.click()
    owner_page.get_by_role("button", name="Save").click()
    expect(owner_page.get_by_text("Sharing saved")).to_be_visible()

    reader_page: Page = sign_in(reader)
    open_documents(reader_page)
    reader_page.get_by_role("link", name="Shared papers").click()
    expect(reader_page.get_by_role("row").filter(has_text="shared.pdf")).to_be_visible()
    expect(reader_page.get_by_role("button", name="Add", exact=True)).to_be_disabled()
    reader_page.get_by_role("link", name="Ask the documents").click()
    ask(reader_page, "When was the library founded?")
    expect(reader_page.get_by_role("article").locator(".body")).to_contain_text("1962", timeout=ANSWERED_MS)

    stranger_page: Page = sign_in(stranger)
    open_documents(stranger_page)
    expect(stranger_page.get_by_text("No documents yet")).to_be_visible()
    expect(stranger_page.get_by_role("link", name="Shared papers")).to_have_count(0)


def test_shared_with_a_group(rest: Rest, sign_in: Any) -> None:
    owner, colleague = rest.person(), rest.person()
    group = rest.post("/api/groups", {"name": f"Desk of {colleague.username}", "members": [colleague.id]})
    page: Page = sign_in(owner)
    open_documents(page)
    page.get_by_role("button", name="New collection").click()
    page.get_by_role("textbox", name="Name").fill("Papers of the desk")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("link", name="Papers of the desk").hover()
    page.get_by_role("button", name="Actions for Papers of the desk").click()
    page.get_by_role("menuitem", name="Share").click()
    page.get_by_role("combobox", name="Add people or groups").fill(group["name"])
    page.get_by_role("option", name=group["name"]).click()
    page.get_by_role("combobox", name=f"What {group['name']} may do").select_option("editor")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Sharing saved")).to_be_visible()

    colleague_page: Page = sign_in(colleague)
    open_documents(colleague_page)
    colleague_page.get_by_role("link", name="Papers of the desk").click()
    add_file(colleague_page, "from a colleague.txt", b"The desk is on the second floor.")
    row = page.get_by_role("row").filter(has_text="from a colleague.txt")
    expect(row.get_by_text("Indexed")).to_be_visible(timeout=INDEXED_MS)  # on the owner's screen, by itself


def test_each_file_shows_how_far_it_is(sign_in: Any) -> None:
    page: Page = sign_in()
    open_documents(page)
    wire = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 12_000}
    wire.send("Network.emulateNetworkConditions", slow)
    drop(page, {f"minutes {number}.txt": f"Meeting {number} was short. " * 1_000 for number in range(3)})
    uploads = page.get_by_role("region", name="3 files")
    expect(uploads.get_by_role("progressbar", name="minutes 0.txt")).to_be_visible()
    expect(uploads.get_by_role("heading", name="Sending 3 files")).to_be_visible()
    wire.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    expect(page.get_by_text("Indexed", exact=True)).to_have_count(3, timeout=INDEXED_MS)
    expect(uploads).to_have_count(0)


def drop(page: Page, files: dict[str, str]) -> None:
    """Let text files go over the window."""
    page.evaluate(
        """(files) => {
          const transfer = new DataTransfer();
          for (const [name, text] of Object.entries(files)) transfer.items.add(new File([text], name));
          window.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        files,
    )


def test_encrypted_file_asks_for_its_password(sign_in: Any) -> None:
    page: Page = sign_in()
    open_documents(page)
    add_file(page, "locked.pdf", make_pdf(REPORT, password="open sesame"))
    row = page.get_by_role("row").filter(has_text="locked.pdf")
    expect(row.get_by_text("A password is needed")).to_be_visible(timeout=INDEXED_MS)
    for password, expected in (("wrong", "The password is wrong"), ("open sesame", "Indexed")):
        row.get_by_role("button", name="Password…").click()
        page.get_by_role("dialog").get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Read the file").click()
        expect(row.get_by_text(expected, exact=False)).to_be_visible(timeout=INDEXED_MS)


def test_unreadable_file_says_why(sign_in: Any) -> None:
    page: Page = sign_in()
    open_documents(page)
    add_file(page, "empty.pdf", b"")
    add_file(page, "noise.bin", bytes(range(256)) * 40)
    for name in ("empty.pdf", "noise.bin"):
        row = page.get_by_role("row").filter(has_text=name)
        expect(row.locator(".badge.error")).to_be_visible(timeout=INDEXED_MS)
        row.click()
        panel = page.get_by_role("complementary", name="Details")
        expect(panel.get_by_role("alert")).to_be_visible()
        expect(panel.get_by_role("button", name="Try again")).to_be_visible()


def test_deleting_can_be_undone(sign_in: Any) -> None:
    page: Page = sign_in()
    open_documents(page)
    add_file(page, "kept.pdf", make_pdf(REPORT))
    row = page.get_by_role("row").filter(has_text="kept.pdf")
    expect(row.get_by_text("Indexed")).to_be_visible(timeout=INDEXED_MS)
    deletions: list[str] = []
    page.on("request", lambda request: deletions.append(request.url) if request.method == "DELETE" else None)

    row.click()
    panel = page.get_by_role("complementary", name="Details")
    panel.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("kept.pdf and its")).to_be_visible()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()
    assert deletions == []

    row.click()
    with page.expect_request(lambda request: request.method == "DELETE", timeout=20_000):
        panel.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No documents yet")).to_be_visible()
    assert len(deletions) == 1


def test_many_at_once_by_dropping(sign_in: Any) -> None:
    page: Page = sign_in()
    open_documents(page)
    expect(page.get_by_text("No documents yet")).to_be_visible()
    drop(page, {f"note {number}.txt": f"Note {number}: the meeting is in room {number}." for number in range(12)})
    expect(page.get_by_text("Indexed", exact=True)).to_have_count(12, timeout=INDEXED_MS)
    page.get_by_role("checkbox", name="Choose all").check()
    expect(page.get_by_text("12 chosen")).to_be_visible()
    page.get_by_role("status").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("12 documents with 12 passages are being deleted")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Indexed", exact=True)).to_have_count(12)


def test_ended_while_the_list_was_on_its_way(sign_in: Any) -> None:
    page: Page = sign_in()
    open_documents(page)
    held: list[str] = []

    def hold_until_indexed(route: Route) -> None:
        answer = route.fetch()
        working = [row for row in answer.json()["documents"] if row["status"] not in {"indexed", "failed"}]
        for row in working:
            while page.request.get(f"{route.request.url.split('?')[0]}/{row['file_id']}").json()["status"] != "indexed":
                time.sleep(0.05)
            held.append(row["file_id"])
        if working:
            time.sleep(0.5)  # The event that says so comes before the list that does not know it yet.
        route.fulfill(response=answer)

    page.route("**/api/rag/documents?*", hold_until_indexed)
    timetable = "\n\n".join(f"On day {day} the late train leaves from platform {day * 7}." for day in range(1_500))
    add_file(page, "late.txt", timetable.encode())
    expect(page.get_by_text("Indexed", exact=True)).to_have_count(1, timeout=INDEXED_MS)
    assert held
    page.unroute_all()


def test_filter_by_name_and_state(sign_in: Any) -> None:
    page: Page = sign_in()
    open_documents(page)
    add_file(page, "one.txt", b"The baker opens at six.")
    add_file(page, "two.txt", b"The bank opens at nine.")
    expect(page.get_by_text("Indexed", exact=True)).to_have_count(2, timeout=INDEXED_MS)
    page.keyboard.press("/")
    page.keyboard.type("two")
    expect(page.get_by_text("1 document", exact=True)).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="two.txt")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="one.txt")).to_have_count(0)
    page.get_by_role("button", name="State").first.click()
    page.get_by_role("menuitemradio", name="Failed").click()
    expect(page.get_by_text("No document fits")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.get_by_role("row").filter(has_text="one.txt")).to_be_visible()


def test_tags_and_preview(sign_in: Any) -> None:
    page: Page = sign_in()
    open_documents(page)
    add_file(page, "tagged.pdf", make_pdf(REPORT))
    row = page.get_by_role("row").filter(has_text="tagged.pdf")
    expect(row.get_by_text("Indexed")).to_be_visible(timeout=INDEXED_MS)
    row.click()
    panel = page.get_by_role("complementary", name="Details")
    panel.get_by_role("combobox", name="Tags").fill("library")
    with page.expect_response(lambda response: response.request.method == "PATCH"):
        page.keyboard.press("Enter")
    page.reload()
    expect(panel.get_by_text("library", exact=True)).to_be_visible()
    panel.get_by_role("button", name="Preview").click()
    expect(panel.get_by_role("img", name="Page 1 of tagged.pdf")).to_be_visible()
    panel.get_by_role("region", name="Pages").focus()
    page.keyboard.press("PageDown")
    expect(panel.get_by_role("img", name="Page 2 of tagged.pdf")).to_be_visible()
    assert "page=2" in page.url
