"""Conversations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from appliance.core.database import UtcDateTime

revision = '0004'
down_revision = '0003'

# Full-text search without case and accents: each database's own index over `message_words.words`.
_SQLITE = (
    "create virtual table message_index using fts5(words, content='message_words', content_rowid='number')",
    ("create trigger message_words_added after insert on message_words begin"
    " insert into message_index(rowid, words) values (new.number, new.words); end"),
    ("create trigger message_words_removed after delete on message_words begin"
    " insert into message_index(message_index, rowid, words) values ('delete', old.number, old.words); end"),
    ("create trigger message_words_changed after update on message_words begin"
    " insert into message_index(message_index, rowid, words) values ('delete', old.number, old.words);"
    " insert into message_index(rowid, words) values (new.number, new.words); end"),
)
_POSTGRESQL = ("create index ix_message_words_index on message_words using gin (to_tsvector('simple', words))",)
# What the BI room may query: no contents, no persons.
_VIEW = (
    "create view analytics_turns as select at, agent, decided_by, confidence, model, mode, status, attempts, queue_ms,"
    " first_token_ms, total_ms, prompt_tokens, completion_tokens, rating from turns"
)


def upgrade() -> None:
    """Bring the state here."""
    op.create_table('turns',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('conversation_key', sa.String(length=128), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('agent', sa.String(length=63), nullable=True),
    sa.Column('decided_by', sa.String(length=12), nullable=True),
    sa.Column('confidence', sa.Float(), nullable=True),
    sa.Column('model', sa.String(length=200), nullable=True),
    sa.Column('mode', sa.String(length=12), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('queue_ms', sa.Integer(), nullable=True),
    sa.Column('first_token_ms', sa.Integer(), nullable=True),
    sa.Column('total_ms', sa.Integer(), nullable=True),
    sa.Column('prompt_tokens', sa.Integer(), nullable=False),
    sa.Column('completion_tokens', sa.Integer(), nullable=False),
    sa.Column('rating', sa.String(length=4), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_turns'))
    )
    op.create_index('ix_turns_person', 'turns', ['owner_id', 'at'], unique=False)
    op.create_index('ix_turns_time', 'turns', ['at'], unique=False)
    op.create_index('ix_turns_window', 'turns', ['conversation_key', 'at'], unique=False)
    op.create_table('conversations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=128), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('is_titled', sa.Boolean(), nullable=False),
    sa.Column('folder', sa.String(length=100), nullable=True),
    sa.Column('assistant', sa.String(length=63), nullable=True),
    sa.Column('is_archived', sa.Boolean(), nullable=False),
    sa.Column('head_id', sa.Uuid(), nullable=True),
    sa.Column('messages', sa.Integer(), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('summary_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_conversations_owner_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversations')),
    sa.UniqueConstraint('key', name=op.f('uq_conversations_key'))
    )
    op.create_index('ix_conversations_listing', 'conversations', ['owner_id', 'is_archived', 'updated_at'], unique=False)
    op.create_table('prompts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=63), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('is_shared', sa.Boolean(), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_prompts_owner_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prompts')),
    sa.UniqueConstraint('owner_id', 'name', name=op.f('uq_prompts_owner_id'))
    )
    op.create_index(op.f('ix_prompts_owner_id'), 'prompts', ['owner_id'], unique=False)
    op.create_table('conversation_shares',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('group_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_conversation_shares_conversation_id_conversations'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], name=op.f('fk_conversation_shares_group_id_groups'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_conversation_shares_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversation_shares')),
    sa.UniqueConstraint('conversation_id', 'user_id', 'group_id', name=op.f('uq_conversation_shares_conversation_id'))
    )
    op.create_index(op.f('ix_conversation_shares_conversation_id'), 'conversation_shares', ['conversation_id'], unique=False)
    op.create_index(op.f('ix_conversation_shares_group_id'), 'conversation_shares', ['group_id'], unique=False)
    op.create_index(op.f('ix_conversation_shares_user_id'), 'conversation_shares', ['user_id'], unique=False)
    op.create_table('escalations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('answered_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('answered_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['answered_by'], ['users.id'], name=op.f('fk_escalations_answered_by_users'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_escalations_conversation_id_conversations'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_escalations_owner_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_escalations'))
    )
    op.create_index(op.f('ix_escalations_conversation_id'), 'escalations', ['conversation_id'], unique=False)
    op.create_index(op.f('ix_escalations_owner_id'), 'escalations', ['owner_id'], unique=False)
    op.create_index(op.f('ix_escalations_status'), 'escalations', ['status'], unique=False)
    op.create_table('memories',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('text', sa.String(length=1000), nullable=False),
    sa.Column('is_enabled', sa.Boolean(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('updated_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_memories_conversation_id_conversations'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_memories_owner_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_memories'))
    )
    op.create_index(op.f('ix_memories_conversation_id'), 'memories', ['conversation_id'], unique=False)
    op.create_index(op.f('ix_memories_owner_id'), 'memories', ['owner_id'], unique=False)
    op.create_table('messages',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('parent_id', sa.Uuid(), nullable=True),
    sa.Column('role', sa.String(length=12), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=True),
    sa.Column('agent', sa.String(length=63), nullable=True),
    sa.Column('model', sa.String(length=200), nullable=True),
    sa.Column('mode', sa.String(length=12), nullable=True),
    sa.Column('details', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('problem', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=True),
    sa.Column('rating', sa.String(length=4), nullable=True),
    sa.Column('reason', sa.String(length=1000), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_messages_conversation_id_conversations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_messages'))
    )
    op.create_index(op.f('ix_messages_status'), 'messages', ['status'], unique=False)
    op.create_index('ix_messages_tree', 'messages', ['conversation_id', 'parent_id'], unique=False)
    op.create_table('conversation_attachments',
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('document_id', sa.Uuid(), nullable=False),
    sa.Column('added_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_conversation_attachments_conversation_id_conversations'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_conversation_attachments_document_id_documents'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('conversation_id', 'document_id', name=op.f('pk_conversation_attachments'))
    )
    op.create_index(op.f('ix_conversation_attachments_document_id'), 'conversation_attachments', ['document_id'], unique=False)
    op.create_table('message_words',
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_message_words_conversation_id_conversations'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_message_words_message_id_messages'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_message_words')),
    sa.UniqueConstraint('message_id', name=op.f('uq_message_words_message_id'))
    )
    op.create_index(op.f('ix_message_words_conversation_id'), 'message_words', ['conversation_id'], unique=False)
    op.create_index(op.f('ix_message_words_owner_id'), 'message_words', ['owner_id'], unique=False)
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    for statement in (*(_SQLITE if is_sqlite else _POSTGRESQL), _VIEW):
        op.execute(statement)
