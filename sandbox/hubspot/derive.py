"""What the vendor calculates itself: whether a deal is won, what a line comes to, a company's country code."""

from decimal import ROUND_HALF_UP, Decimal

from sandbox.hubspot.account import Account
from sandbox.kit import Record

__all__ = ["derive", "fill_defaults"]

_CENT = Decimal("0.01")
_FROM_PRODUCT = ("name", "price", "hs_sku", "description", "service_line")
_COUNTRY_CODES = {
    "united states": "US",
    "brazil": "BR",
    "united kingdom": "GB",
    "germany": "DE",
    "japan": "JP",
    "canada": "CA",
    "australia": "AU",
    "singapore": "SG",
    "india": "IN",
}


def fill_defaults(account: Account, kind: str, record: Record) -> None:
    """Fill what a new record gets when it is left out."""
    if kind == "deals":
        record.setdefault("pipeline", "default")
        record.setdefault("deal_currency_code", "USD")
    elif kind == "line_items" and record.get("hs_product_id"):
        product = account.find("products", str(record["hs_product_id"]))
        for name in _FROM_PRODUCT if product else ():
            if product and name in product[1]:
                record.setdefault(name, product[1][name])
    elif kind == "tasks":
        record.setdefault("hs_task_status", "NOT_STARTED")
        record.setdefault("hs_task_type", "TODO")


def derive(account: Account, kind: str, record: Record) -> None:
    """Set the calculated properties of a record."""
    if kind == "deals":
        closed, won, probability = account.won_stage(str(record.get("pipeline")), str(record.get("dealstage")))
        record["hs_is_closed"] = str(closed).lower()
        record["hs_is_closed_won"] = str(won).lower()
        record["hs_deal_stage_probability"] = probability
    elif kind == "line_items":
        record["amount"] = _line_amount(record)
    elif kind == "companies":
        record["hs_country_code"] = _COUNTRY_CODES.get(str(record.get("country", "")).lower(), "")
    for name in [name for name, value in record.items() if value == ""]:
        del record[name]


def _line_amount(record: Record) -> str:
    if not record.get("price"):
        return ""
    quantity = Decimal(record.get("quantity") or 1)
    price = Decimal(record["price"])
    if percent := record.get("hs_discount_percentage"):
        price -= price * Decimal(percent) / 100
    elif discount := record.get("discount"):
        price -= Decimal(discount)
    return str((quantity * price).quantize(_CENT, rounding=ROUND_HALF_UP))
