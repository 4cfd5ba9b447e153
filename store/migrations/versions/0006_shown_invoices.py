"""What the CRM shows of invoices, so that a sweep writes only what changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row per document of an ERP, one per contract and customer that has sums."""
    op.create_table(
        "shown_invoice",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("connection", "record_id", "firm", "contract")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("customer", "deal", "document", "shown")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("intended", "trouble", "due_on")),
        sa.Column("is_overdue", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection", "record_id"),
    )
    for column in ("contract", "customer", "due_on"):
        op.create_index(op.f(f"ix_shown_invoice_{column}"), "shown_invoice", [column], unique=False)
    op.create_table(
        "billing_totals",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("firm", "kind", "subject", "deal")),
        sa.Column("is_dirty", sa.Boolean(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("shown", "trouble")),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("firm", "kind", "subject"),
    )
    op.create_index(op.f("ix_billing_totals_is_dirty"), "billing_totals", ["is_dirty"], unique=False)
