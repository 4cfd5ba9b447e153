from __future__ import annotations

from mappings.booking import Operations
from mappings.survey_question import customer_external_key
from models.ids import Step, external_key
from models.operations import EnsureContact, EnsureCostCentre, EnsureCustomer

__all__ = ["plan_customer"]


def plan_customer(ops: Operations) -> None:
    """The buyer, the people there, and cost centres that the ledger lacks: records that engagements share."""
    _customer(ops)
    _contacts(ops)
    _cost_centres(ops)


def _customer(ops: Operations) -> None:
    b, buyer = ops.booking, ops.booking.buyer
    request = EnsureCustomer(
        key=customer_external_key(b.firm, b.customer_key),
        adopt=b.adopt,
        name=buyer.legal_name or b.terms.customer_legal_name or buyer.name,
        legal_entity=b.entity.code,
        currency=b.terms.currency,
        address=buyer.address,
        account_id=buyer.account_id,
        tax_number=buyer.tax_number,
        tax_country=buyer.address.country,
        registration_number=buyer.registration_number,
        duns=buyer.duns,
        lei=buyer.lei,
        invoice_email=buyer.invoice_email,
        payment_terms_code=b.payment_terms.code,
    )
    taken = f"Take existing customer {b.adopt.number or b.adopt.record_id}" if b.adopt else ""
    ops.add(
        "customer",
        request,
        guard=ops.sides.traits.customer,
        summary=taken or f"Create customer {request.name}",
        action="adopt" if b.adopt else "create",
        rules=(ops.book.ref(b.entity), ops.book.ref(b.payment_terms)),
        key=f"{b.firm}/customer/{ops.sides.erp}/{b.customer_slot}",
    )


def _contacts(ops: Operations) -> None:
    b = ops.booking
    people = {person.code: person for person in b.terms.contacts}
    for code, person in people.items():
        ops.add(
            f"contact:{code}",
            EnsureContact(
                key=external_key(b.firm, "contact", b.customer_slot, code),
                customer_step=Step("customer"),
                legal_entity=b.entity.code,
                person=person,
            ),
            guard=ops.sides.traits.contact,
            summary=f"Add the {person.role.value} contact to the customer",
            needs=("customer",),
            key=f"{b.firm}/contact/{ops.sides.erp}/{b.customer_slot}/{code}",
        )


def _cost_centres(ops: Operations) -> None:
    b = ops.booking
    for code in b.missing_cost_centres:
        rule = next(rule for rule in b.services.values() if rule.cost_centre == code)
        ops.add(
            f"cost-centre:{code}",
            EnsureCostCentre(code=code, name=rule.cost_centre_name, legal_entity=b.entity.code),
            guard=ops.sides.traits.cost_centre,
            summary=f"Create cost centre {rule.cost_centre_name}",
            rules=(ops.book.ref(rule),),
            key=f"{b.firm}/cost-centre/{ops.sides.erp}/{code}",
        )
