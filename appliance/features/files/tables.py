"""Which bytes are kept, and for whom."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.database import Table


class BlobRow(Table):
    """Bytes by their hash. The row is there before the object and goes after it, so that no object is ever unknown."""

    __tablename__ = "blobs"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class BlobHolderRow(Table):
    """Somebody's hold on some bytes: `document:ID`."""

    __tablename__ = "blob_holders"

    holder: Mapped[str] = mapped_column(String(80), primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
