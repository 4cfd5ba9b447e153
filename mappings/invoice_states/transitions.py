from __future__ import annotations

from enum import StrEnum

from models.invoice import DocumentState, FlagKind, Invoice

__all__ = ["Turn", "turns_between"]

_RANK = {DocumentState.DRAFT: 0, DocumentState.PENDING: 1, DocumentState.POSTED: 2, DocumentState.VOIDED: 3}


class Turn(StrEnum):
    """What happened between two pictures of a document, newest state last. DOM-7.3, 7.4."""

    POSTED = "posted"
    DELETED = "deleted"
    VOIDED = "voided"
    CREDITED = "credited"
    CREDIT_TAKEN_BACK = "credit-taken-back"
    PAYMENT_CAME_IN = "payment-came-in"
    PAYMENT_RETURNED = "payment-returned"
    """By the bank: bounced or charged back."""
    PAYMENT_MOVED = "payment-moved"
    """Unapplied by finance, for example because it belonged to another invoice."""
    HELD = "held"
    RELEASED = "released"
    DISPUTED = "disputed"
    DISPUTE_OPENED_AGAIN = "dispute-opened-again"
    RE_CREATED = "re-created"
    """A posted document never returns to draft: this is a new document in the place of the old one."""


def turns_between(before: Invoice, now: Invoice, *, was_disputed: bool = False) -> tuple[Turn, ...]:
    """Name what happened. `was_disputed`: an earlier dispute of this document was closed."""
    turns = [*_of_the_document(before, now), *_of_the_money(before, now), *_of_flags(before, now, was_disputed)]
    return tuple(dict.fromkeys(turns))


def _of_the_document(before: Invoice, now: Invoice) -> list[Turn]:
    if now.document is before.document:
        return []
    if now.document is DocumentState.DELETED:
        return [Turn.DELETED]
    if now.document is DocumentState.VOIDED:
        return [Turn.VOIDED]
    if _RANK.get(now.document, 0) < _RANK.get(before.document, 0) and before.document in {
        DocumentState.POSTED,
        DocumentState.VOIDED,
    }:
        return [Turn.RE_CREATED]
    return [Turn.POSTED] if now.document is DocumentState.POSTED else []


def _of_the_money(before: Invoice, now: Invoice) -> list[Turn]:
    turns: list[Turn] = []
    if now.amounts.currency != before.amounts.currency:
        return [Turn.RE_CREATED]
    if before.amounts.credited < now.amounts.credited:
        turns.append(Turn.CREDITED)
    if now.amounts.credited < before.amounts.credited:
        turns.append(Turn.CREDIT_TAKEN_BACK)
    if now.amounts.paid < before.amounts.paid:
        is_returned = now.payment_returned_on not in {None, before.payment_returned_on}
        turns.append(Turn.PAYMENT_RETURNED if is_returned else Turn.PAYMENT_MOVED)
    if before.amounts.paid < now.amounts.paid:
        turns.append(Turn.PAYMENT_CAME_IN)
    return turns


def _of_flags(before: Invoice, now: Invoice, was_disputed: bool) -> list[Turn]:
    had, has = ({flag.kind for flag in picture.flags} for picture in (before, now))
    turns: list[Turn] = []
    if FlagKind.ON_HOLD in has - had:
        turns.append(Turn.HELD)
    if FlagKind.ON_HOLD in had - has:
        turns.append(Turn.RELEASED)
    if FlagKind.DISPUTED in has - had:
        turns.append(Turn.DISPUTE_OPENED_AGAIN if was_disputed else Turn.DISPUTED)
    return turns
