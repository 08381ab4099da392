import msgspec
import pytest

from appliance.core.errors import ApplianceError, InvalidRequest, StoredProblem, TooLarge
from appliance.core.text import Text
from appliance.migrations.tables import ALL_TABLES

assert list(ALL_TABLES), "imports every room, so that every error is known below"


def test_a_stored_problem_is_said_later_in_any_language() -> None:
    error = TooLarge(limit=Text("1 MB", "1 Mo"), setting="limits.upload_bytes")
    stored = msgspec.json.decode(msgspec.json.encode(error.store()), type=StoredProblem)
    restored = ApplianceError.restore(stored)
    assert restored.to_problem("en").detail == "The limit is 1 MB."
    assert restored.to_problem("fr").detail == "La limite est de 1 Mo."
    assert restored.to_problem("en").type == "urn:appliance:too_large"


def test_an_unknown_code_reads_as_unexpected() -> None:
    assert ApplianceError.restore(StoredProblem("from_the_future")).code == "unexpected"


@pytest.mark.parametrize("kind", ApplianceError.kinds().values(), ids=ApplianceError.kinds().keys())
def test_every_error_is_said_in_both_languages(kind: type[ApplianceError]) -> None:
    for words in (kind.title, kind.detail, kind.hint):
        assert words.en.strip()
        assert words.fr.strip()
        assert "!" not in words.en + words.fr.replace(" !", "")
    assert kind.title.en != kind.title.fr
    assert 400 <= int(kind.status) <= 599


def test_codes_are_snake_case() -> None:
    assert all(code == code.lower() and " " not in code for code in ApplianceError.kinds())


def test_the_english_detail_is_the_exception_message() -> None:
    assert str(InvalidRequest(reason="`x` is wrong.")) == "`x` is wrong."
