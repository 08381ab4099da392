"""All SQL of the files room."""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import delete, exists, select

from appliance.core.database import Transaction
from appliance.features.files.tables import BlobHolderRow, BlobRow

_BATCH = 500


class FilesRepository:
    """Blobs and who holds them."""

    async def lock(self, transaction: Transaction, sha256: str) -> BlobRow | None:
        """Find a blob and keep others from removing it until the transaction ends."""
        return await transaction.get(BlobRow, sha256, with_for_update=True)

    async def is_held(self, transaction: Transaction, sha256: str) -> bool:
        """Tell whether anybody holds a blob."""
        return bool(await transaction.scalar(select(exists().where(BlobHolderRow.sha256 == sha256))))

    async def let_go(self, transaction: Transaction, holder: str) -> str | None:
        """End a hold; names the blob it was on."""
        statement = delete(BlobHolderRow).where(BlobHolderRow.holder == holder).returning(BlobHolderRow.sha256)
        return await transaction.scalar(statement)

    async def unheld(self, transaction: Transaction, *, before: datetime) -> list[str]:
        """List blobs nobody holds that came before a moment."""
        nobody = ~exists().where(BlobHolderRow.sha256 == BlobRow.sha256)
        statement = select(BlobRow.sha256).where(nobody, BlobRow.created_at < before)
        return list(await transaction.scalars(statement))

    async def walk(self, transaction: Transaction) -> AsyncIterator[tuple[BlobRow, bool]]:
        """Walk every blob, and whether it is held."""
        after = ""
        held = exists().where(BlobHolderRow.sha256 == BlobRow.sha256)
        while True:
            statement = select(BlobRow, held).where(BlobRow.sha256 > after).order_by(BlobRow.sha256).limit(_BATCH)
            rows = (await transaction.execute(statement)).all()
            for row in rows:
                yield row[0], row[1]
            if len(rows) < _BATCH:
                return
            after = rows[-1][0].sha256
