from tests.house.typescript import NAMED_CHOICES, TARGET, read_description, write_types


def test_the_interfaces_types_are_those_of_the_api() -> None:
    description = read_description()
    written = TARGET.read_text(encoding="utf-8")
    assert written == write_types(description), "run: just types"
    for name in NAMED_CHOICES:
        assert written.count(f"{name}") > 1, f"{name} is a name for nothing"
