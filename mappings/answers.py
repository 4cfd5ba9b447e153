from __future__ import annotations

from models.desk import GivenAnswer
from models.terms import SignedTerms

__all__ = ["Answers"]


class Answers:
    """What people answered for this engagement. The newest answer to a field counts.

    Answers change booked facts (codes, numbers the paper does not state); sold terms they cannot touch (DOM-2.5).
    """

    def __init__(self, given: tuple[GivenAnswer, ...]) -> None:
        self._values = {answer.field: answer.value for answer in given}
        self._people = {answer.field: answer.person for answer in given}

    def value(self, field: str) -> str:
        """The answer, or an empty text."""
        return self._values.get(field, "")

    def person(self, field: str) -> str:
        """Who gave it."""
        return self._people.get(field, "")

    def applied_to(self, terms: SignedTerms) -> SignedTerms:
        """The terms with the master data that people entered for the buyer, and the PO number."""
        updates: dict[str, object] = {}
        if terms.buyer is not None:
            buyer = terms.buyer
            address = buyer.address
            if self.value("country"):
                address = address.model_copy(update={"country": self.value("country").upper()})
            changes = {
                "tax_number": self.value("tax_number") or buyer.tax_number,
                "route_id": self.value("route_id") or buyer.route_id,
                "address": address,
            }
            updates["buyer"] = buyer.model_copy(update=changes)
        if self.value("po_number"):
            updates["po_number"] = self.value("po_number")
        return terms.model_copy(update=updates)
