"""Which difference between an account and its customer is carried where, and what a person must decide."""

from mappings.customer_sync.compare import Difference, carried, compare, doubted, settled
from mappings.customer_sync.plan import CustomerCase, CustomerVerdict, plan_customer_sync
from mappings.customer_sync.undo import plan_match_undo

__all__ = [
    "CustomerCase",
    "CustomerVerdict",
    "Difference",
    "carried",
    "compare",
    "doubted",
    "plan_customer_sync",
    "plan_match_undo",
    "settled",
]
