"""Which model serves what, and how fast each was."""

import sqlalchemy as sa
from alembic import op

from appliance.core.database import UtcDateTime

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    """Bring the state here."""
    op.create_table(
        'model_roles',
        sa.Column('role', sa.String(length=20), nullable=False),
        sa.Column('model', sa.String(length=200), nullable=False),
        sa.Column('changed_at', UtcDateTime(), nullable=False),
        sa.Column('changed_by', sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint('role', name=op.f('pk_model_roles')),
    )
    op.create_table(
        'model_speeds',
        sa.Column('model', sa.String(length=200), nullable=False),
        sa.Column('digest', sa.String(length=80), nullable=False),
        sa.Column('prompt_tokens', sa.Integer(), nullable=False),
        sa.Column('prompt_tokens_per_second', sa.Float(), nullable=True),
        sa.Column('tokens', sa.Integer(), nullable=False),
        sa.Column('tokens_per_second', sa.Float(), nullable=True),
        sa.Column('load_seconds', sa.Float(), nullable=False),
        sa.Column('context_length', sa.Integer(), nullable=False),
        sa.Column('measured_at', UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('model', 'digest', name=op.f('pk_model_speeds')),
    )
