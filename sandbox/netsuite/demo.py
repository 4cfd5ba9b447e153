"""What the demo firm has in its account before Tieline writes anything."""

from sandbox.kit import Record

__all__ = ["chart", "existing_customers"]

_CURRENCIES = [("USD", "US Dollar", 2), ("GBP", "British Pound", 2), ("EUR", "Euro", 2), ("JPY", "Japanese Yen", 0),
               ("BHD", "Bahraini Dinar", 3), ("KWD", "Kuwaiti Dinar", 3), ("INR", "Indian Rupee", 2),
               ("BRL", "Brazilian Real", 2), ("CAD", "Canadian Dollar", 2), ("AUD", "Australian Dollar", 2),
               ("SGD", "Singapore Dollar", 2)]  # fmt: skip
_SUBSIDIARIES = [("LE-US", "Harbour & Finch Consulting Inc.", "1", "US"),
                 ("LE-FED", "Harbour & Finch Federal LLC", "1", "US"), ("LE-UK", "Harbour & Finch Ltd", "2", "GB"),
                 ("LE-DE", "Harbour & Finch GmbH", "3", "DE"), ("LE-JP", "Harbour & Finch KK", "4", "JP")]  # fmt: skip
_TERMS = [("NET15", "Net 15", 15), ("NET30", "Net 30", 30), ("NET45", "Net 45", 45), ("NET60", "Net 60", 60),
          ("DUE_ON_RECEIPT", "Due on receipt", 0)]  # fmt: skip
_DEPARTMENTS = [("ADV", "Advisory"), ("TEC", "Technology"), ("OPS", "Operations"), ("EDU", "Learning"),
                ("ENG", "Engineering")]  # fmt: skip
_ITEMS = [("SVC-FIXED", "Fixed price services"), ("SVC-TM", "Time and materials services"),
          ("SVC-RETAINER", "Retainer"), ("SVC-COSTPLUS", "Cost plus services"), ("SVC-FEE", "Fixed fee")]  # fmt: skip
_JOB_TYPES = ["Fixed price", "Time and materials", "Retainer", "Cost reimbursable"]


def chart() -> list[Record]:
    """Return the firm's set-up: currencies, legal entities, terms, cost centres, items and project types."""
    records: list[Record] = [
        {"type": "currency", "id": str(n), "externalId": code, "symbol": code, "name": name,
         "currencyPrecision": digits, "isInactive": False}
        for n, (code, name, digits) in enumerate(_CURRENCIES, start=1)
    ]  # fmt: skip
    records += [
        {"type": "subsidiary", "id": str(n), "externalId": external_id, "name": name, "legalName": name,
         "currency": {"id": currency}, "country": {"id": country}, "isElimination": False, "isInactive": False}
        for n, (external_id, name, currency, country) in enumerate(_SUBSIDIARIES, start=1)
    ]  # fmt: skip
    records += [
        {"type": "term", "externalId": external_id, "name": name, "daysUntilNetDue": days, "isInactive": False}
        for external_id, name, days in _TERMS
    ]
    records += [
        {"type": "department", "externalId": f"tl_dept_{code}", "name": name, "isInactive": False}
        for code, name in _DEPARTMENTS
    ]
    records += [{"type": "jobType", "name": name, "isInactive": False} for name in _JOB_TYPES]
    records += [
        {"type": "serviceSaleItem", "externalId": code, "itemId": code, "displayName": name, "isInactive": False}
        for code, name in _ITEMS
    ]
    return records


def existing_customers() -> list[Record]:
    """Return customers the firm had before: one alike by name only, one the same by DUNS number, one inactive."""
    return [
        _customer("Carahsoft Technology Corp", ("Reston", "VA", "20190"), street="11493 Sunset Hills Rd"),
        _customer("Graduate School", ("Washington", "DC", "20024"), street="600 Maryland Ave SW",
                  custentity_tl_duns="040535536"),
        _customer("Mill Pond Partners", ("Boston", "MA", "02110"), street="1 Harbor Way", isInactive=True),
    ]  # fmt: skip


def _customer(name: str, place: tuple[str, str, str], *, street: str, **more: object) -> Record:
    city, state, postcode = place
    address = {"addressee": name, "addr1": street, "city": city, "state": state, "zip": postcode,
               "country": {"id": "US"}}  # fmt: skip
    return {
        "type": "customer", "companyName": name, "subsidiary": {"externalId": "LE-FED"}, "currency": {"id": "1"},
        "terms": {"externalId": "NET30"},
        "addressBook": {"items": [{"defaultBilling": True, "defaultShipping": True, "label": "Main",
                                   "addressBookAddress": address}]},
        **more,
    }  # fmt: skip
