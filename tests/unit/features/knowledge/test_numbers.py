import pytest

from appliance.features.knowledge.numbers import Number, find_numbers, follows, stands


def only(text: str) -> Number:
    numbers = find_numbers(text)
    assert len(numbers) == 1, numbers
    return numbers[0]


@pytest.mark.parametrize(
    "text,value,decimals",
    [
        ("1,234", "1234", 0),
        ("1 234", "1234", 0),
        ("1\u202f234\u202f567", "1234567", 0),
        ("1'234", "1234", 0),
        ("1,234.5", "1234.5", 1),
        ("1 234,56", "1234.56", 2),
        ("1.234.567,89", "1234567.89", 2),
        ("12,5", "12.5", 1),
        ("0,125", "0.125", 3),
        ("3.14", "3.14", 2),
        ("(459)", "-459", 0),
        ("-7", "-7", 0),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: str, decimals: int) -> None:
    number = only(text)
    assert (str(number.value.normalize()), number.decimals) == (str(type(number.value)(value).normalize()), decimals)


def test_a_row_of_grouped_numbers_is_not_one_number() -> None:
    assert [int(number.value) for number in find_numbers("107,006 135,987 177,866")] == [107006, 135987, 177866]


def test_numbers_inside_words_are_none() -> None:
    assert find_numbers("B2B and FY2022x and v1.2.3.4") == []


@pytest.mark.parametrize("text", ["30.8 %", "30,8%", "30.8 percent", "30,8 pour cent"])
def test_percentages(text: str) -> None:
    assert only(text).is_percent


@pytest.mark.parametrize(
    "claim,evidence,holds",
    [
        ("177,866", "Total net sales 107,006 135,987 177,866", True),
        ("$177.9 billion", "177,866 (in millions)", True),
        ("$1.4 billion", "1,400", True),
        ("178,866", "177,866", False),
        ("459", "(459)", True),
        ("30.8 %", "30.8", True),
        ("31 %", "30.8 %", False),
        ("12,5", "12.50", True),
    ],
)
def test_a_number_stands_or_does_not(claim: str, evidence: str, holds: bool) -> None:
    assert stands(only(claim), find_numbers(evidence)) is holds


@pytest.mark.parametrize(
    "claim,operands,holds",
    [
        ("30.8 %", "135,987 177,866", True),
        ("31.8 %", "135,987 177,866", False),
        ("41,879", "135,987 177,866", True),
        ("313,853", "135,987 177,866", True),
        ("1.31", "135,987 177,866", True),
        ("66.7 %", "118,573 59,293 177,866", True),
        ("421,719", "107,006 136,847 177,866", True),
        ("7", "3 4", False),
        ("2017", "1000 1017", False),
    ],
)
def test_a_number_follows_from_others_or_does_not(claim: str, operands: str, holds: bool) -> None:
    assert follows(only(claim), find_numbers(operands)) is holds
