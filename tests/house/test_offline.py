"""Nothing the appliance serves asks anything else for anything."""

import re

import pytest

from tests.house.layout import DOCS, PACKAGE, ROOT, WEB, walk

ELSEWHERE = r"(?!127\.0\.0\.1|localhost|\$\{|192\.0\.2\.)[\w-]+(?:\.[\w-]+)+"  # 192.0.2.x is nobody's (RFC 5737)
ADDRESS = re.compile(rf"""(?:https?:|(?<=["'`(=]))//{ELSEWHERE}""")
NAMESPACES = ("http://www.w3.org", "http://purl.org", "http://purl.oclc.org", "http://schemas.")  # names, never fetched
FETCHED = re.compile(
    r"""(?:(?:src|srcset|poster|action|data)\s*=\s*["']?\s*(?:https?:)?"""
    r"""|<link[^>]+href\s*=\s*["']?\s*(?:https?:)?"""
    r"""|(?:url|@import)\s*\(?\s*["']?\s*(?:https?:)?"""
    rf"""|(?:fetch|import|importScripts|EventSource|WebSocket|sendBeacon)\s*\(\s*["'`](?:https?:|wss?:)?)//{ELSEWHERE}""",
    re.IGNORECASE,
)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)|<img[^>]+src=[\"']([^\"']+)")
EXAMPLES = re.compile(r"example\.(?:org|com|lan)|box\.lan|\.invalid")


def test_the_sources_of_the_interface_name_no_other_host() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {address}"
        for path in [
            *walk(WEB / "src", ".ts", ".svelte", ".css"),
            *walk(WEB / "public", ".js", ".svg"),
            WEB / "index.html",
        ]
        for line in path.read_text(encoding="utf-8").splitlines()
        for address in ADDRESS.findall(_without_comments(line))
        if not address.startswith(NAMESPACES) and not EXAMPLES.search(address)
    ]
    assert not found


def _without_comments(line: str) -> str:
    return re.sub(r"(?<!:)//\s.*$|/\*.*?\*/", "", line)


def test_the_viewer_of_the_api_asks_no_validator() -> None:
    """Swagger's own default would send the description to a service of its makers."""
    start = (WEB / "public" / "api-docs" / "init.js").read_text(encoding="utf-8")
    assert "validatorUrl: null" in start


def test_what_is_built_fetches_nothing_from_elsewhere() -> None:
    built = WEB / "dist"
    if not (built / "index.html").exists():
        pytest.skip("the interface is not built: `uv sync` builds it")
    files = [path for path in built.rglob("*") if path.suffix in {".html", ".js", ".css", ".svg"}]
    assert len(files) > 5
    found = [
        f"{path.relative_to(built)}: {match.group()}"
        for path in files
        if "api-docs" not in path.parts or path.suffix == ".css"
        for match in FETCHED.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_pictures_of_the_documentation_are_its_own() -> None:
    for path in [*walk(DOCS, ".md"), ROOT / "README.md"]:
        for match in PICTURE.finditer(path.read_text(encoding="utf-8")):
            picture = match[1] or match[2]
            assert not re.match(r"(?:https?:)?//", picture), f"{path.name}: {picture}"
            assert (path.parent / picture).is_file(), f"{path.name}: {picture} is not there"


def test_links_of_the_documentation_lead_somewhere() -> None:
    link = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
    for path in [*walk(DOCS, ".md"), ROOT / "README.md"]:
        for target in link.findall(path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:|#|/", target):
                assert (path.parent / target.split("#")[0]).exists(), f"{path.relative_to(ROOT)}: {target}"


def test_the_server_names_no_host_to_call() -> None:
    """Whatever address stands in the code is loopback, a namespace, or an example in words."""
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {address}"
        for path in walk(PACKAGE, ".py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for address in ADDRESS.findall(line)
        if not address.startswith(NAMESPACES) and not EXAMPLES.search(address)
    ]
    assert not found
