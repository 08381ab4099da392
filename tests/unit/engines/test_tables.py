"""A row of a table, found alone, says what its figures are."""

import pytest

from appliance.engines.reading.tables import guess_header_rows, is_figure, write_rows


@pytest.mark.parametrize(
    "rows, expected",
    [
        ([["Year", "Sales"], ["2023", "10"]], ["Year: 2023; Sales: 10"]),
        ([["", "2023", "2024"], ["Sales", "10", "12"]], ["Sales; 2023: 10; 2024: 12"]),
        ([["Nom", "Dupont"], ["Prénom", "Jean"], ["Ville", "Lyon"]], ["Nom: Dupont", "Prénom: Jean", "Ville: Lyon"]),
        ([["1", "2"], ["3", "4"]], ["1\t2", "3\t4"]),
        (
            [["Nom", "Ville", "Pays"], ["Ana", "Lyon", "FR"], ["Bo", "Oslo", "NO"]],
            ["Nom: Ana; Ville: Lyon; Pays: FR", "Nom: Bo; Ville: Oslo; Pays: NO"],
        ),
        ([["a", "", "b"], ["1", "", "2"]], ["a: 1; b: 2"]),
        ([], []),
        ([["only"]], ["only"]),
    ],
)
def test_rows(rows: list[list[str]], expected: list[str]) -> None:
    assert write_rows(rows) == expected


def test_the_stated_number_of_header_rows_is_believed() -> None:
    assert write_rows([["1", "2"], ["3", "4"]], header_rows=1) == ["1: 3; 2: 4"]


def test_a_header_alone_is_still_text() -> None:
    assert write_rows([["Nom", "Ville"]], header_rows=1) == ["Nom: Ville"]


@pytest.mark.parametrize("cell", ["12", "-3,5", "(1 234)", "12 %", "$ 5", "4.5 €", "1’000", "+7", "3,1 %"])
def test_figures(cell: str) -> None:
    assert is_figure(cell)


@pytest.mark.parametrize("cell", ["", "abc", "12 rue", "A1", "12/2024/x"])
def test_not_figures(cell: str) -> None:
    assert not is_figure(cell)


def test_figures_do_not_name_columns() -> None:
    assert guess_header_rows([["10", "12"], ["3", "4"]]) == 0
