"""Reads the public file of contract actions; roles are turned round: its vendor is our customer."""

import csv
import html
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

__all__ = ["Action", "contract_numbers", "read_actions"]

_FILE = Path(__file__).parent.parent / "data" / "us-treasury-contract-actions-2016-09.csv"
_CENT = Decimal("0.01")
_COUNTRIES = {"USA": "US", "BRA": "BR"}


@dataclass(frozen=True)
class Action:
    """One contract action of the file, typed; values unchanged except for HTML entities and cents."""

    raw: Mapping[str, str]

    @property
    def is_award(self) -> bool:
        """Tell a new contract from a modification of one."""
        return self.raw["modnumber"] == "0"

    @property
    def is_service(self) -> bool:
        """Tell services from goods: a service code begins with a letter."""
        return self.raw["productorservicecode"][:1].isalpha()

    @property
    def contract(self) -> tuple[str, str]:
        """Return the contract's identity: framework number (often blank) and own number."""
        return self.raw["idvpiid"], self.raw["piid"]

    @property
    def pricing(self) -> str:
        """Return the letter of the pricing arrangement."""
        return self.raw["typeofcontractpricing"][:1]

    @property
    def service_code(self) -> str:
        """Return the code of what was bought."""
        return self.raw["productorservicecode"].partition(":")[0]

    @property
    def service_name(self) -> str:
        """Return the name of what was bought."""
        return self.text("productorservicecode").partition(":")[2].strip()

    @property
    def duns(self) -> str:
        """Return the company's registration number."""
        return self.raw["dunsnumber"]

    @property
    def country(self) -> str:
        """Return the company's country as ISO code; blank stays blank."""
        return _COUNTRIES[self.raw["vendorcountrycode"][:3]] if self.raw["vendorcountrycode"] else ""

    @property
    def is_framework(self) -> bool:
        """Tell a framework, under which orders are placed and which bills nothing itself."""
        return self.pricing == "1" or self.raw["contractactiontype"][:1] == "E"

    @property
    def funded(self) -> Decimal:
        """Return the money obligated so far."""
        return self.money("dollarsobligated")

    @property
    def exercised(self) -> Decimal:
        """Return the value of the base and the options taken."""
        return self.money("baseandexercisedoptionsvalue")

    @property
    def with_options(self) -> Decimal:
        """Return the value with every option taken."""
        return self.money("baseandalloptionsvalue")

    def text(self, column: str) -> str:
        """Return a text of the file without HTML entities."""
        return html.unescape(self.raw[column]).strip()

    def money(self, column: str) -> Decimal:
        """Return an amount in cents; blank is nothing."""
        return Decimal(self.raw[column] or "0").quantize(_CENT, rounding=ROUND_HALF_UP)

    def day(self, column: str) -> date | None:
        """Return a day, or None where the file has none."""
        text = self.raw[column]
        return datetime.strptime(text, "%m/%d/%Y").date() if text else None  # noqa: DTZ007 - a day without a zone


def read_actions() -> list[Action]:
    """Return all actions in the file's order."""
    with _FILE.open(newline="", encoding="utf-8") as file:
        return [Action(row) for row in csv.DictReader(file)]


def contract_numbers(actions: Iterable[Action]) -> dict[tuple[str, str], str]:
    """Return each contract's number: its own, with the framework's in front where its own is not unique."""
    frameworks: dict[str, set[str]] = defaultdict(set)
    contracts = [action.contract for action in actions]
    for framework, number in contracts:
        frameworks[number].add(framework)
    return {
        (framework, number): number if len(frameworks[number]) == 1 else f"{framework}-{number}"
        for framework, number in contracts
    }
