"""What the design promises of the code and no linter looks at."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.house.layout import PACKAGE, ROOT, WEB, modules, place, walk

LONGEST_FILE = 400
LONGEST_TEST = 500  # tables of cases
LONGEST_FUNCTION = 40
WRITTEN_BY_TOOLS = ("appliance/migrations/versions/", "appliance/web/src/api/schema.ts")
LATE_IMPORTS = {
    "appliance/engine_choice.py": "only the engine that the settings name is imported",
    "appliance/cli/client.py": "commands to a running server stay quick",
    "appliance/cli/up.py": "on loopback nothing needs a certificate",
    "appliance/engines/docx_document.py": "python-docx is loaded when somebody exports",
    "appliance/engines/language/detection.py": "the statistical model is loaded when a text asks for it",
    "appliance/engines/minilm/embedder.py": "the runtime is loaded with the weights",
    "appliance/migrations/__init__.py": "a database that is up to date needs no Alembic",
}
ENVIRONMENT = {
    "appliance/core/settings.py": "the settings",
    "appliance/web/hatch_build.py": "a build hook has no settings",
    "appliance/engines/vector_process/host.py": "hands a child its environment",
    "appliance/engines/vector_process/shards.py": "the child's own",
}


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_files_are_short() -> None:
    long: dict[str, int] = {}
    limits = {PACKAGE: LONGEST_FILE, ROOT / "tests": LONGEST_TEST}
    for folder, limit in limits.items():
        for path in walk(folder, ".py", ".ts", ".svelte", ".css"):
            name = path.relative_to(ROOT).as_posix()
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > limit and not name.startswith(WRITTEN_BY_TOOLS):
                long[name] = lines
    assert not long


def test_functions_are_short() -> None:
    long = {
        f"{path}:{function.name}": lines
        for path, tree in modules().items()
        if not path.startswith(WRITTEN_BY_TOOLS)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := _lines_of_body(function)) > LONGEST_FUNCTION
    }
    assert not long


def _lines_of_body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count what follows the signature and the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _rooms() -> list[str]:
    return sorted(path.parent.name for path in (PACKAGE / "features").glob("*/__init__.py"))


def test_there_are_rooms() -> None:
    assert set(_rooms()) >= {"audit", "identity", "files", "runs", "knowledge", "operations"}


@pytest.mark.parametrize("room", _rooms())
def test_a_room_shows_a_face(room: str) -> None:
    face = modules()[f"appliance/features/{room}/__init__.py"]
    assert ast.get_docstring(face), "a room says in a sentence what it is for"
    names = [
        target.id
        for node in face.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    assert names == ["__all__"]
    assert (PACKAGE / "features" / room / "tables.py").exists() or (PACKAGE / "features" / room / "routes.py").exists()


def test_rooms_know_each_other_by_their_faces() -> None:
    inside = [
        f"{place(path, node)} imports {name}"
        for path, tree in modules().items()
        if path.startswith("appliance/features/")
        for node, name in _imports(tree)
        if (parts := name.split("."))[:2] == ["appliance", "features"]
        and len(parts) > 3
        and parts[2] != path.split("/")[2]
        and parts[3] != "tables"
    ]
    assert not inside


def test_a_table_of_another_room_is_met_in_tables_and_repositories_alone() -> None:
    """A join needs the other table; nothing else does."""
    elsewhere = [
        place(path, node)
        for path, tree in modules().items()
        if path.startswith("appliance/features/") and not re.search(r"/(tables\.py|repository(\.py|/))", path)
        for node, name in _imports(tree)
        if name.endswith(".tables") and name.split(".")[2] != path.split("/")[2]
    ]
    assert not elsewhere


def _imports(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node, node.module or ""
        elif isinstance(node, ast.Import):
            yield from ((node, name.name) for name in node.names)


def test_imports_stand_at_the_top() -> None:
    late = {
        path
        for path, tree in modules().items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert late == set(LATE_IMPORTS), "each late import stands in LATE_IMPORTS with its reason"


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and ast.unparse(node.value) == "os"
    }
    assert readers <= set(ENVIRONMENT), readers - set(ENVIRONMENT)


def test_nothing_is_left_to_be_done() -> None:
    mark = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    left = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in walk(ROOT / "appliance", ".py", ".ts", ".svelte", ".css", ".md")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert not left


def test_no_path_of_one_machine_stands_anywhere() -> None:
    machine = re.compile(r"(?<![\w.])/(?:work|home/\w|root|Users)/")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [
            *walk(ROOT / "appliance", ".py", ".ts", ".svelte", ".md"),
            *walk(ROOT / "tests", ".py"),
            ROOT / "README.md",
        ]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if machine.search(line)
    ]
    assert not found


def test_nothing_is_mocked() -> None:
    mocked = [
        str(path.relative_to(ROOT))
        for path in walk(ROOT / "tests", ".py")
        if re.search(r"^(from|import) unittest", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not mocked, "fakes over mocks"


def test_a_decision_is_numbered_once_and_has_every_part() -> None:
    decisions = [path for path in walk(PACKAGE / "docs" / "decisions", ".md") if path.stem != "template"]
    numbers = [path.name[:4] for path in decisions]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. "), path.name
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences", "Alternatives"], path.name


def test_the_interface_keeps_its_packages_few() -> None:
    dependencies = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert len(dependencies) <= 16
