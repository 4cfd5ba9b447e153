"""One contract as the process would hand it to the ERP: three lines of worked example E1, two contacts."""

from __future__ import annotations

from datetime import date
from typing import Any

from models.ids import ConnectionId, ContractNumber, ExternalKey, LegalEntityCode, Step, external_key
from models.money import Money
from models.operations import (
    ContractLine,
    EnsureBillingSchedule,
    EnsureContact,
    EnsureContract,
    EnsureCostCentre,
    EnsureCustomer,
    EnsureProject,
    ScheduleRow,
)
from models.party import Address, ContactPerson
from models.records import Links, RecordKind, RecordRef
from models.survey import SurveyQuestion
from models.terms import BillingType, MilestoneTrigger

CONTRACT = ContractNumber("SOW-2027-001")
CUSTOMER_KEY = external_key("hf", "customer", "northwind")
PROJECT_KEY = external_key("hf", CONTRACT, "project")
SCHEDULE_KEY = external_key("hf", CONTRACT, "billing-schedule")
CONTRACT_KEY = external_key("hf", CONTRACT, "contract")
ACCOUNT_ID = "001000000000001AAA"
LINES = (("L1", "38000.00"), ("L2", "80750.00"), ("L3", "9499.99"))
ROWS = (
    ("M1", "38475.00", date(2027, 4, 30)),
    ("M2", "51299.99", date(2027, 6, 30)),
    ("M3", "38475.00", date(2027, 9, 30)),
)


def ref(kind: RecordKind, record_id: str) -> RecordRef:
    return RecordRef(connection=ConnectionId("erp-main"), kind=kind, record_id=record_id)


def customer(**more: Any) -> EnsureCustomer:
    values: dict[str, Any] = {
        "key": CUSTOMER_KEY,
        "name": "Northwind Traders Ltd",
        "legal_entity": LegalEntityCode("LE-US"),
        "currency": "USD",
        "address": Address(street="1 High St\nFloor 2", city="London", postal_code="EC1A 1AA", country="GB"),
        "account_id": ACCOUNT_ID,
        "tax_number": "GB980780684",
        "registration_number": "01234567",
        "duns": "007805067",
        "invoice_email": "ap@northwind.example",
        "payment_terms_code": "NET30",
    }
    return EnsureCustomer(**(values | more))


def contact(**more: Any) -> EnsureContact:
    person = ContactPerson(
        code="003000000000001AAA", first_name="Ada", last_name="Byron", email="ada@northwind.example"
    )
    values: dict[str, Any] = {
        "key": external_key("hf", "contact", "003000000000001AAA"),
        "customer_step": Step("customer"),
        "legal_entity": LegalEntityCode("LE-US"),
        "person": person,
    }
    return EnsureContact(**(values | more))


def project(**more: Any) -> EnsureProject:
    values: dict[str, Any] = {
        "key": PROJECT_KEY,
        "contract_number": CONTRACT,
        "name": "Northwind rollout",
        "customer_step": Step("customer"),
        "legal_entity": LegalEntityCode("LE-US"),
        "currency": "USD",
        "billing_type": BillingType.MILESTONES,
        "template": "Rollout",
        "cost_centre": "ADV",
        "start_on": date(2027, 4, 1),
        "end_on": date(2027, 9, 30),
        "price": Money.of("128249.99", "USD"),
    }
    return EnsureProject(**(values | more))


def schedule(**more: Any) -> EnsureBillingSchedule:
    rows = tuple(
        ScheduleRow(
            code=code, name=f"Stage {code}", due_on=day, amount=Money.of(amount, "USD"),
            trigger=MilestoneTrigger.ACCEPTANCE,
        )
        for code, amount, day in ROWS
    )  # fmt: skip
    values: dict[str, Any] = {
        "key": SCHEDULE_KEY,
        "name": f"{CONTRACT} milestones",
        "project_step": Step("project"),
        "billing_rule": "milestones",
        "payment_terms_code": "NET30",
        "rows": rows,
    }
    return EnsureBillingSchedule(**(values | more))


def contract(**more: Any) -> EnsureContract:
    lines = tuple(
        ContractLine(
            code=code,
            description=f"Deliverable {code}",
            item="SVC-FIXED",
            billing_type=BillingType.MILESTONES,
            amount=Money.of(amount, "USD"),
            cost_centre="ADV",
            project_step=Step("project"),
            schedule_step=Step("billing-schedule"),
        )
        for code, amount in LINES
    )
    values: dict[str, Any] = {
        "key": CONTRACT_KEY,
        "contract_number": CONTRACT,
        "customer_step": Step("customer"),
        "project_step": Step("project"),
        "legal_entity": LegalEntityCode("LE-US"),
        "currency": "USD",
        "signed_on": date(2027, 3, 15),
        "start_on": date(2027, 4, 1),
        "end_on": date(2027, 9, 30),
        "payment_terms_code": "NET30",
        "po_number": "PO-77",
        "funded": Money.of("100000.00", "USD"),
        "with_options": Money.of("150000.00", "USD"),
        "lines": lines,
    }
    return EnsureContract(**(values | more))


def cost_centre(**more: Any) -> EnsureCostCentre:
    values: dict[str, Any] = {"code": "LAB", "name": "Laboratory", "legal_entity": LegalEntityCode("LE-US")}
    return EnsureCostCentre(**(values | more))


def question(**more: Any) -> SurveyQuestion:
    values: dict[str, Any] = {
        "names": ("Northwind Traders Ltd",),
        "country": "GB",
        "tax_numbers": ("GB980780684",),
        "registration_number": "01234567",
        "duns": "007805067",
        "account_id": ACCOUNT_ID,
        "customer_key": CUSTOMER_KEY,
        "keys": (PROJECT_KEY, SCHEDULE_KEY, CONTRACT_KEY),
        "contract_number": CONTRACT,
        "on": date(2027, 3, 15),
    }
    return SurveyQuestion(**(values | more))


def links(**refs: RecordRef) -> Links:
    """By step; a dash in a step is an underscore here."""
    return Links(refs={Step(step.replace("_", "-")): found for step, found in refs.items()})


def key(text: str) -> ExternalKey:
    return ExternalKey(text)
