from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from mappings.customer_identity import customer_key
from mappings.customer_sync.compare import Difference, compare
from mappings.findings import Finding, blocker_of
from mappings.rulebook import RuleBook
from models.base import Canonical, digest_of
from models.blocker import Blocker, Choice
from models.customer_sync import (
    AccountState,
    AgreedState,
    CustomerState,
    SharedField,
    ShowCustomer,
    UpdateContact,
    UpdateCustomer,
)
from models.desk import GivenAnswer
from models.ids import (
    ConnectionId,
    ContractNumber,
    DealId,
    EngagementId,
    FirmId,
    LegalEntityCode,
    OperationKey,
    Step,
    TermsDigest,
)
from models.operations import OperationRequest
from models.party import BuyerIdentity
from models.plan import ApprovalSlot, FieldDiff, MatchDecision, Plan, PlannedOperation, RuleRef
from models.records import Guard
from models.roles import Role
from models.values import SoldValues

__all__ = ["CustomerCase", "CustomerVerdict", "plan_customer_sync"]

_OTHERS, _GONE = "TL-CUS-021", "TL-CUS-022"
_STAMP = frozenset({"source_version"})
_NUMBERS = {SharedField.TAX_NUMBER, SharedField.REGISTRATION_NUMBER}
_KEEP = Choice(value="keep", label="Leave both as they are; do not ask again about this value")


class CustomerCase(Canonical):
    """One account and its customer, as both stand now."""

    firm: FirmId
    engagement: EngagementId
    contract_number: ContractNumber
    crm_connection: ConnectionId
    account: AccountState
    customer: CustomerState
    agreed: AgreedState
    answers: tuple[GivenAnswer, ...] = ()
    guard: Guard
    now: datetime


class CustomerVerdict(Canonical):
    """What is to be done: a plan, stops for a person, or neither."""

    plan: Plan | None = None
    blockers: tuple[Blocker, ...] = ()

    @property
    def is_in_order(self) -> bool:
        """Both sides are equal in the fields each owns."""
        return self.plan is None and not self.blockers


def plan_customer_sync(case: CustomerCase, book: RuleBook) -> CustomerVerdict:
    """Differences that their owner made become one plan; what only a person can settle becomes a stop.

    The plan goes first: a doubt about one field holds up no other.
    """
    if stop := _gone(case):
        return CustomerVerdict(blockers=(blocker_of(stop, case.engagement, book, None),))
    if case.account.is_deleted:
        return CustomerVerdict()  # a person decided what becomes of the customer; a gone account changes nothing
    found = _open(case, book)
    to_write = tuple(one for one in found if not one.is_the_others)
    if to_write:
        # What waits for a call back comes when all else is written: neither its waiting nor a no holds up the rest.
        at_once = tuple(one for one in to_write if not one.needs_call_back)
        return CustomerVerdict(plan=_plan(case, book, at_once or to_write))
    stops = tuple(blocker_of(_others(case, one), case.engagement, book, None) for one in found)
    return CustomerVerdict(blockers=stops)


def _open(case: CustomerCase, book: RuleBook) -> tuple[Difference, ...]:
    """Differences nobody has settled: what a person chose to leave is left."""
    left = {answer.field for answer in case.answers if answer.value == _KEEP.value}
    rules = book.field_rules(case.now.date())
    found = compare(case.account, case.customer, case.agreed, rules)
    return tuple(one for one in found if not (one.is_the_others and _question(one) in left))


def _question(difference: Difference) -> str:
    """Asked again when the CRM says something else than what was left."""
    change = difference.change
    return f"{change.field.value}:{digest_of(change.before, change.after)[:12]}"


def _gone(case: CustomerCase) -> Finding | None:
    account, customer = case.account, case.customer
    name = customer.ref.number or customer.ref.record_id
    if not customer.is_active or customer.merged_into:
        where = f", merged into {customer.merged_into}" if customer.merged_into else ""
        return Finding(
            code="TL-CUS-003",
            record=name,
            field="status",
            message=f"{account.name}: ERP customer {name} is inactive{where}. Point the account to the right customer "
            "in the CRM (clear its ERP customer id), then repair; nothing is written to an inactive one.",
        )
    if customer.account_id and customer.account_id != account.account_id:
        return Finding(
            code="TL-CUS-003",
            record=name,
            field="CRM account",
            message=f"{account.name}: the account names ERP customer {name}, which belongs to account "
            f"{customer.account_id} of the CRM. Clear the ERP customer id on the wrong one of the two, then repair.",
        )
    if account.is_deleted:
        field = f"gone:{account.merged_into or 'deleted'}"
        if any(answer.field == field for answer in case.answers):
            return None
        what = f"merged into account {account.merged_into}" if account.merged_into else "deleted"
        return Finding(
            code=_GONE,
            record=name,
            field="CRM account",
            message=f"{account.name or account.account_id} was {what} in the CRM; its ERP customer {name} stays as it "
            "is. Decide there what becomes of it and of its open invoices, then answer.",
            answer_field=field,
            choices=(Choice(value="keep", label="Keep the customer as it is"),
                     Choice(value="done", label="It was merged or closed in the ERP by hand")),
        )  # fmt: skip
    return None


def _others(case: CustomerCase, difference: Difference) -> Finding:
    change, name = difference.change, case.customer.ref.number or case.customer.ref.record_id
    says, has = f"{change.field.value} '{change.after}'", f"'{change.before}'"
    if change.field in _NUMBERS:
        says, has = f"another {change.field.value}", "one"  # a number of the state is not for every list and log
    return Finding(
        code=_OTHERS,
        record=name,
        field=change.field.value,
        message=f"{case.account.name}: the CRM now says {says}, ERP customer {name} has "
        f"{has}, which was verified. Check it against the register and change it in the ERP, or leave it.",
        answer_field=_question(difference),
        choices=(_KEEP,),
    )


def _plan(case: CustomerCase, book: RuleBook, differences: tuple[Difference, ...]) -> Plan:
    operations = tuple(_operations(case, book, differences))
    call_backs = tuple(one for one in differences if one.needs_call_back)
    account, customer = case.account, case.customer
    # A touch that changes nothing of this makes no other plan: who was asked is not asked again.
    basis = digest_of(account, customer, case.agreed, book.version, without=_STAMP)
    return Plan(
        firm=case.firm,
        process="customer-sync",
        engagement=case.engagement,
        contract_number=case.contract_number,
        deal_id=DealId(account.account_id),
        legal_entity=LegalEntityCode(""),
        customer_key=customer_key(_buyer(account)),
        customer_name=account.name,
        currency="",
        signed_on=case.now.date(),
        values=SoldValues(),
        match=MatchDecision(
            outcome="adopt",
            evidence=(f"the account holds the id of ERP customer {customer.ref.number or customer.ref.record_id}",),
            candidate_id=customer.ref.record_id,
        ),
        operations=operations,
        approvals=tuple(_slot(one, book) for one in call_backs[:1]),
        rules=tuple({one.rule.id: book.ref(one.rule) for one in differences}.values()),
        rules_version=book.version,
        rules_author=book.author,
        requested_by=tuple(item for item in (account.owner.lower(),) if item),
        terms_digest=TermsDigest(digest_of(account, without=_STAMP)),
        basis_digest=basis,
        made_at=case.now,
    )


def _slot(difference: Difference, book: RuleBook) -> ApprovalSlot:
    change = difference.change
    # The part before the @ may name a person; the plan itself holds it for whoever decides.
    before, after = (text.rpartition("@")[2] for text in (change.before, change.after))
    return ApprovalSlot(
        slot="call-back",
        roles=frozenset({Role.MASTER_DATA}),
        reason=f"{change.field.value} moves from '{before}' to '{after}': call the customer back on a number already "
        "on file",
        rule=book.ref(difference.rule),
        value_usd=Decimal(0),
    )


def _operations(case: CustomerCase, book: RuleBook, differences: tuple[Difference, ...]) -> list[PlannedOperation]:
    own = [one for one in differences if one.change.side == "erp" and not one.change.subject]
    people = [one for one in differences if one.change.side == "erp" and one.change.subject]
    shown = [one for one in differences if one.change.side == "crm"]
    name = case.customer.ref.number or case.customer.ref.record_id
    made: list[PlannedOperation] = []
    if own:
        fields = ", ".join(one.change.field.value for one in own)
        words = f"Change {fields} of customer {name}"
        made.append(_operation(case, book, "customer", _update(case, own), because=own, summary=words))
    for one in people:
        gone = one.change.after == "inactive"
        words = "Set a person at the customer inactive" if gone else "Bring a person at the customer up to date"
        step = f"person:{one.change.subject}"
        made.append(_operation(case, book, step, _person(case, one), because=[one], summary=words))
    if shown:
        request = ShowCustomer(
            account_id=case.account.account_id,
            customer=case.customer.ref,
            payment_terms=case.customer.payment_terms,
            on_credit_hold=case.customer.on_credit_hold,
            connection=case.crm_connection,
        )
        fields = ", ".join(one.change.field.value for one in shown)
        words = f"Show {fields} on the account"
        made.append(_operation(case, book, "account", request, because=shown, summary=words))
    return made


def _operation(
    case: CustomerCase,
    book: RuleBook,
    step: str,
    request: OperationRequest,
    *,
    because: list[Difference],
    summary: str,
) -> PlannedOperation:
    connection = request.connection if isinstance(request, ShowCustomer) else case.customer.ref.connection
    # The revision makes a change back and forth three writes; the content keeps one of them one.
    content = digest_of(request)[:16]
    key = f"{case.firm}/customer-sync/{case.account.account_id}/{case.agreed.revision}/{step}/{content}"
    return PlannedOperation(
        step=Step(step),
        connection=connection,
        action="amend",
        guard=case.guard if step != "account" else Guard.PROOF,
        request=request,
        summary=summary,
        diffs=tuple(
            FieldDiff(field=one.change.field.value, before=one.change.before, after=one.change.after)
            for one in because
        ),
        rules=_cited(book, because),
        key=OperationKey(key),
    )


def _cited(book: RuleBook, differences: list[Difference]) -> tuple[RuleRef, ...]:
    return tuple({one.rule.id: book.ref(one.rule) for one in differences}.values())


def _update(case: CustomerCase, differences: list[Difference]) -> UpdateCustomer:
    after = {one.change.field: one.change.after for one in differences}
    return UpdateCustomer(
        customer=case.customer.ref,
        name=after.get(SharedField.NAME),
        address=case.account.address if SharedField.ADDRESS in after else None,
        invoice_email=after.get(SharedField.INVOICE_EMAIL),
        tax_number=after.get(SharedField.TAX_NUMBER),
        tax_country=case.account.address.country if SharedField.TAX_NUMBER in after else "",
        registration_number=after.get(SharedField.REGISTRATION_NUMBER),
        expected={one.change.field.value: one.change.before for one in differences},
    )


def _person(case: CustomerCase, difference: Difference) -> UpdateContact:
    code = difference.change.subject
    known = next(one for one in case.customer.people if one.code == code)
    listed = next((one for one in case.account.people if one.code == code), None)
    if listed is None:
        from_erp = {"code": code, "first_name": known.first_name, "last_name": known.last_name, "email": known.email,
                    "phone": known.phone, "title": known.title}  # fmt: skip
        return UpdateContact.model_validate({"contact": known.ref, "person": from_erp, "is_active": False})
    return UpdateContact(contact=known.ref, person=listed)


def _buyer(account: AccountState) -> BuyerIdentity:
    return BuyerIdentity(
        account_id=account.account_id,
        name=account.name,
        legal_name=account.legal_name,
        address=account.address,
        tax_number=account.tax_number,
        registration_number=account.registration_number,
    )
