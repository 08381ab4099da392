from tests.house.settings_meanings import MEANINGS
from tests.house.settings_reference import TARGET, fields, write_reference


def test_every_setting_has_a_meaning_and_nothing_else_has_one() -> None:
    assert set(MEANINGS) == {name for name, _, _ in fields()}


def test_the_reference_page_is_up_to_date() -> None:
    page = TARGET.read_text(encoding="utf-8")
    assert page == write_reference(), "run: just reference"
