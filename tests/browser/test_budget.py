"""What the built interface weighs and what it may contain."""

import gzip
import json
import re
from pathlib import Path

from tests.browser.harness import DIST, WEB, OpenPage, Server

FIRST_PAGE_BYTES = 120_000
RUNTIME_PACKAGES = 16
# Namespaces, and addresses in texts and licences: names that are never fetched.
NAMES = re.compile(
    r"https?://(www\.w3\.org/|svelte\.dev/e/|example\.org|[\w-]+\.example\.lan|lucide\.dev|github\.com/|mozilla\.org/MPL|127\.0\.0\.1|192\.0\.2\.)"
)
FETCHED = re.compile(
    r"""(?:src|href|url|import|fetch|from)\s*[=(:]?\s*\(?["'`]?(https?:)?//[\w.-]+\.[a-z]{2,}[^"'`\s)]*"""
)


def test_first_page_stays_light(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    fetched: list[str] = []
    page.on("response", lambda response: fetched.append(response.url))
    page.goto(server.url + "/#/login")
    page.wait_for_selector("form")
    scripts = [url.split("/", 3)[3] for url in fetched if url.endswith(".js")]
    assert scripts
    total = sum(len(gzip.compress((DIST / name).read_bytes(), 6)) for name in {*scripts, *_scripts_of_chat()})
    print(f"JavaScript of the first page: {total} bytes gzipped")
    assert total <= FIRST_PAGE_BYTES


def _scripts_of_chat() -> set[str]:
    """The room that opens first, with everything it imports."""
    found: set[str] = set()
    waiting = [path.relative_to(DIST).as_posix() for path in (DIST / "assets").glob("Chat-*.js")]
    assert waiting
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        text = (DIST / name).read_text()
        waiting += [f"assets/{other}" for other in re.findall(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""", text)]
    return found


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path in sorted(DIST.rglob("*")):
        if path.suffix not in {".js", ".css", ".html", ".svg"} or "api-docs" in path.parts:
            continue
        text = NAMES.sub("", path.read_text())
        assert not (found := FETCHED.search(text)), f"{path.name}: {found and found[0]}"


def test_no_inline_scripts_or_styles() -> None:
    html = (DIST / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert "<style" not in html
    assert "style=" not in html


def test_few_packages_from_the_public_registry() -> None:
    package = json.loads((WEB / "package.json").read_text())
    assert len(package["dependencies"]) <= RUNTIME_PACKAGES
    lock = json.loads((WEB / "package-lock.json").read_text())
    homes = {entry["resolved"].split("/")[2] for entry in lock["packages"].values() if "resolved" in entry}
    assert homes <= {"registry.npmjs.org"}


def test_sizes_and_colours_have_one_home() -> None:
    colour = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(")
    size = re.compile(r"(?<![\w-])(?!0px|1px)\d+(?:\.\d+)?px")
    for path in sorted((WEB / "src").rglob("*")):
        if path.name == "theme.css" or path.suffix not in {".svelte", ".css"}:
            continue
        text = path.read_text()
        style = text if path.suffix == ".css" else "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
        style = re.sub(r"@(media|container)[^{]*\{", "", style)
        assert not (found := colour.search(style) or size.search(style)), f"{path.name}: {found and found[0]}"
        assert not re.search(r"<[^>]*\sstyle=", text.split("<style>")[0]), f"{path.name}: a style attribute"


def test_files_stay_small() -> None:
    for path in sorted((WEB / "src").rglob("*")):
        if path.is_file() and path.name not in {"schema.ts", "shapes.ts"}:
            assert len(Path(path).read_text().splitlines()) <= 400, path.name
