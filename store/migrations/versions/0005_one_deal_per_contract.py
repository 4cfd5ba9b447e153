"""A contract has one deal, in whichever CRM account it was sold."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of a contract bound twice, because its connection was renamed, the binding under the new name stays."""
    op.execute(
        "DELETE FROM deal_binding WHERE EXISTS (SELECT 1 FROM deal_binding AS newer"
        " WHERE newer.firm = deal_binding.firm AND newer.contract = deal_binding.contract"
        " AND newer.id > deal_binding.id)"
    )
    op.create_index("ux_deal_binding_contract", "deal_binding", ["firm", "contract"], unique=True)
