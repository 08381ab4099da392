"""Jobs that are asked for once more while they run."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    """Bring the state here."""
    op.add_column('jobs', sa.Column('wanted_again', sa.Boolean(), nullable=False, server_default=sa.false()))
