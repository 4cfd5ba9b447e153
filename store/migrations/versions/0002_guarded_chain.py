"""The chain guards itself: only an entry that follows the head is taken, and the head moves with it."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SQLITE = (
    """
    CREATE TRIGGER audit_follows_head BEFORE INSERT ON audit
    WHEN NOT EXISTS (SELECT 1 FROM chain_head WHERE id = 1 AND seq = NEW.seq - 1 AND hash = NEW.previous_hash)
    BEGIN SELECT RAISE(ABORT, 'an audit entry must follow the head of the chain'); END
    """,
    """
    CREATE TRIGGER audit_moves_head AFTER INSERT ON audit
    BEGIN UPDATE chain_head SET seq = NEW.seq, hash = NEW.hash WHERE id = 1; END
    """,
    """
    CREATE TRIGGER chain_head_no_delete BEFORE DELETE ON chain_head
    BEGIN SELECT RAISE(ABORT, 'the head of the audit chain only moves forward'); END
    """,
    """
    CREATE TRIGGER chain_head_forward BEFORE UPDATE ON chain_head WHEN NEW.seq <> OLD.seq + 1 OR NEW.id <> OLD.id
    BEGIN SELECT RAISE(ABORT, 'the head of the audit chain only moves forward'); END
    """,
)
_POSTGRESQL = (
    """
    CREATE FUNCTION audit_moves_head() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE chain_head SET seq = NEW.seq, hash = NEW.hash
       WHERE id = 1 AND seq = NEW.seq - 1 AND hash = NEW.previous_hash;
      IF NOT FOUND THEN RAISE EXCEPTION 'an audit entry must follow the head of the chain'; END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER audit_moves_head BEFORE INSERT ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_moves_head()
    """,
    """
    CREATE FUNCTION chain_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'the head of the audit chain only moves forward'; END IF;
      IF NEW.seq <> OLD.seq + 1 OR NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'the head of the audit chain only moves forward';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER chain_head_forward BEFORE UPDATE OR DELETE ON chain_head
    FOR EACH ROW EXECUTE FUNCTION chain_head_forward()
    """,
    """
    CREATE TRIGGER chain_head_no_truncate BEFORE TRUNCATE ON chain_head
    FOR EACH STATEMENT EXECUTE FUNCTION chain_head_forward()
    """,
)


def upgrade() -> None:
    """Add the triggers."""
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
