"""What an invoice's state means: three axes, newer and older pictures of it, and the words that sales sees. DOM-7."""

from mappings.invoice_states.cards import account_card_of, deal_card_of, invoice_card_of
from mappings.invoice_states.holds import STEPS, hold_sentence
from mappings.invoice_states.sentences import sentence_of
from mappings.invoice_states.settlement import is_in_credit, is_overdue, settlement_of
from mappings.invoice_states.totals import rows_to_bill_again, totals_of, totals_sentence
from mappings.invoice_states.transitions import Turn, turns_between
from mappings.invoice_states.versions import Judgement, judge

__all__ = [
    "STEPS",
    "Judgement",
    "Turn",
    "account_card_of",
    "deal_card_of",
    "hold_sentence",
    "invoice_card_of",
    "is_in_credit",
    "is_overdue",
    "judge",
    "rows_to_bill_again",
    "sentence_of",
    "settlement_of",
    "totals_of",
    "totals_sentence",
    "turns_between",
]
