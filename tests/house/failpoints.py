"""The steps at which a test can kill the process, as they stand in the code."""

import ast
from collections.abc import Iterator

from tests.house.layout import modules, place


def all_failpoints() -> tuple[str, ...]:
    """Name every step in the code, sorted; journeys die once at each."""
    return tuple(sorted(name for name, _ in found_failpoints() if name))


def found_failpoints() -> Iterator[tuple[str, str]]:
    """Walk every `failpoints.reach(…)`: its name (empty where it is no literal), and where it stands."""
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_reach(node.func):
                yield _literal(node.args), place(path, node)


def _literal(arguments: list[ast.expr]) -> str:
    match arguments:
        case [ast.Constant(value=str(name))]:
            return name
        case _:
            return ""


def _is_reach(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute) and function.attr == "reach" and "failpoints" in ast.unparse(function.value)
    )
