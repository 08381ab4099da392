import re

from tests.house.failpoints import all_failpoints, found_failpoints


def test_every_failpoint_is_a_literal_of_one_place() -> None:
    places: dict[str, list[str]] = {}
    for name, place in found_failpoints():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", name), f"{place}: a failpoint is named by a literal, `stage.step`"
        places.setdefault(name, []).append(place)
    assert not {name: where for name, where in places.items() if len(where) > 1}


def test_every_stage_that_must_survive_a_kill_has_failpoints() -> None:
    stages = {name.partition(".")[0] for name in all_failpoints()}
    assert stages >= {"upload", "files", "index", "delete", "indexes"}
