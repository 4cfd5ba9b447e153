"""Wishes to undo a match, and which accounts and customers were told apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row per wish; an undone one tells its account and customer apart for ever."""
    op.create_table(
        "match_undo",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("undo", "firm", "connection", "account", "erp")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("customer", "number", "state", "document")),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("undo"),
    )
    for column in ("account", "customer"):
        op.create_index(op.f(f"ix_match_undo_{column}"), "match_undo", [column], unique=False)
