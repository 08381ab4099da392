"""Assistants and their pictures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from appliance.core.database import UtcDateTime

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    """Bring the state here."""
    op.create_table('assistants',
    sa.Column('name', sa.String(length=63), nullable=False),
    sa.Column('title', sa.String(length=100), nullable=False),
    sa.Column('persona', sa.Text(), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('routing_description', sa.Text(), nullable=False),
    sa.Column('examples', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('model', sa.String(length=200), nullable=False),
    sa.Column('fallbacks', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('temperature', sa.Float(), nullable=False),
    sa.Column('knowledge_owners', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('tags', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('retrieval', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('tools', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('is_enabled', sa.Boolean(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_assistants'))
    )
    op.create_table('assistant_pictures',
    sa.Column('name', sa.String(length=63), nullable=False),
    sa.Column('media_type', sa.String(length=20), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['name'], ['assistants.name'], name=op.f('fk_assistant_pictures_name_assistants'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_assistant_pictures'))
    )
