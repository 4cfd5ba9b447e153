from __future__ import annotations

from models.ids import ConnectionId
from models.records import Links, RecordRef

__all__ = ["id_on_deal", "shown_on_deal"]

_MARK = ":"


def shown_on_deal(links: Links, main: ConnectionId) -> Links:
    """Records as the CRM shows them: an id of another ERP than the first one carries that ERP's name.

    Two ERPs give the same id to different records, and a CRM may keep the field unique.
    """
    return Links(refs={step: _named(ref, main) for step, ref in links.refs.items()})


def id_on_deal(text: str, main: ConnectionId) -> tuple[ConnectionId, str]:
    """The ERP and the id in it that a field of the CRM names."""
    connection, mark, record_id = text.partition(_MARK)
    return (ConnectionId(connection), record_id) if mark else (main, text)


def _named(ref: RecordRef, main: ConnectionId) -> RecordRef:
    if ref.connection == main:
        return ref
    return ref.model_copy(update={"record_id": f"{ref.connection}{_MARK}{ref.record_id}"})
