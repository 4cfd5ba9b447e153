from __future__ import annotations

from decimal import Decimal, InvalidOperation

from mappings.tax_numbers import NumberCheck, read_tax_number
from models.desk import GivenAnswer
from models.party import BuyerIdentity
from models.terms import RateRow, SignedTerms

__all__ = ["Answers"]

_COUNTRY_CODE_LENGTH = 2


class Answers:
    """What people answered for this engagement. The newest answer to a field counts.

    Answers add booked facts (codes, numbers the CRM does not have); sold terms they cannot touch (DOM-2.5). What the
    CRM says by now goes before an older answer, except where the answer replaced something that could not be used.
    """

    def __init__(self, given: tuple[GivenAnswer, ...] = ()) -> None:
        self._values = {answer.field: answer.value.strip() for answer in given}
        self._people = {answer.field: answer.person for answer in given}

    def value(self, field: str) -> str:
        """The answer, or an empty text."""
        return self._values.get(field, "")

    def person(self, field: str) -> str:
        """Who gave it."""
        return self._people.get(field, "")

    def applied_to(self, terms: SignedTerms) -> SignedTerms:
        """The terms with what people entered: master data of the buyer, the PO number, rates the CRM lacks."""
        return terms.model_copy(
            update={
                "buyer": self._buyer(terms.buyer) if terms.buyer is not None else None,
                "po_number": terms.po_number or self.value("po_number"),
                "rates": tuple(self._rate(row) for row in terms.rates),
            }
        )

    def _buyer(self, buyer: BuyerIdentity) -> BuyerIdentity:
        address = buyer.address
        entered = {
            "country": address.country or self._country(),
            "street": address.street or ("" if address.city else self.value("bill_to")),
        }
        return buyer.model_copy(
            update={
                "address": address.model_copy(update=entered),
                "tax_number": self._tax_number(buyer.tax_number, entered["country"]),
                "route_id": buyer.route_id or self.value("route_id"),
            }
        )

    def _tax_number(self, known: str, country: str) -> str:
        """The CRM's number if it can be one of the buyer's country, else the one that was entered instead."""
        read = read_tax_number(known, country)
        usable = read.check is NumberCheck.WELL_FORMED and read.country == country
        return known if usable else self.value("tax_number") or known

    def _country(self) -> str:
        """A two-letter code; anything else is not used, so the question stays."""
        said = self.value("country").upper()
        return said if len(said) == _COUNTRY_CODE_LENGTH and said.isascii() and said.isalpha() else ""

    def _rate(self, row: RateRow) -> RateRow:
        """A rate from the paper where the CRM has none; text that is no amount above zero is not used."""
        if row.rate_per_hour is not None and row.rate_per_hour > 0:
            return row
        try:
            said = Decimal(self.value(f"rate:{row.role}") or "0")
        except InvalidOperation:
            return row
        return row.model_copy(update={"rate_per_hour": said}) if said.is_finite() and said > 0 else row
