"""Lists are answered in pages: `limit` and `offset` in, `items` and `total` out."""

from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

Item = TypeVar("Item")
MAXIMUM_LIMIT = 100
DEFAULT_LIMIT = 20

Limit = Annotated[int, QueryParameter(ge=1, le=MAXIMUM_LIMIT)]
Offset = Annotated[int, QueryParameter(ge=0, le=2**31 - 1)]


class Page(msgspec.Struct, Generic[Item], kw_only=True):
    """One page of a list the caller may read; `total` counts all of it."""

    items: list[Item]
    total: int
    limit: int
    offset: int
