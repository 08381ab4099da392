from datetime import UTC, date, datetime

import pytest

from appliance.core.errors import InvalidRequest
from appliance.features.chat.analytics import nearest_rank, period
from appliance.features.chat.usage import seconds_to_midnight

TODAY = date(2026, 3, 10)


@pytest.mark.parametrize(
    "since,until,expected",
    [
        (None, None, (date(2026, 2, 9), TODAY)),
        (date(2026, 3, 10), None, (TODAY, TODAY)),
        (date(2026, 4, 1), None, (date(2026, 4, 1), date(2026, 4, 1))),
        (None, date(2026, 1, 30), (date(2026, 1, 1), date(2026, 1, 30))),
        (date(2025, 3, 11), TODAY, (date(2025, 3, 11), TODAY)),
    ],
)
def test_days_not_given_are_filled_in(since: date | None, until: date | None, expected: tuple[date, date]) -> None:
    assert period(since, until, today=TODAY) == expected


@pytest.mark.parametrize(
    "since,until",
    [
        (date(2026, 3, 11), date(2026, 3, 10)),
        (date(2024, 1, 1), TODAY),
        (date(9999, 12, 31), None),
        (None, date(1, 1, 1)),
    ],
)
def test_days_that_cannot_be_are_refused(since: date | None, until: date | None) -> None:
    with pytest.raises(InvalidRequest):
        period(since, until, today=TODAY)


@pytest.mark.parametrize(
    "moment,seconds",
    [
        (datetime(2026, 3, 10, 23, 59, 59, 999_999, tzinfo=UTC), 1),
        (datetime(2026, 3, 10, 0, 0, tzinfo=UTC), 86_400),
        (datetime(2026, 3, 10, 22, 30, tzinfo=UTC), 5_400),
    ],
)
def test_a_day_ends_at_midnight_utc(moment: datetime, seconds: int) -> None:
    assert seconds_to_midnight(moment) == seconds


@pytest.mark.parametrize(
    "count,percent,expected",
    [(0, 50, None), (1, 50, 1), (1, 95, 1), (2, 50, 1), (3, 50, 2), (20, 95, 19), (21, 95, 20)],
)
def test_a_percentile_is_a_value_that_was_measured(count: int, percent: int, expected: int | None) -> None:
    assert nearest_rank(range(1, count + 1), percent) == expected
