"""The words of one person's messages, found without reading them."""

from alembic import op

revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    """Bring the state here."""
    op.create_index('ix_message_words_found', 'message_words', ['owner_id', 'number', 'conversation_id'])
    op.drop_index(op.f('ix_message_words_owner_id'), 'message_words')
