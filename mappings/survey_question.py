from __future__ import annotations

from mappings.customer_identity import customer_key
from mappings.line_prices import FIXED_PRICE, sold_lines
from mappings.rulebook import RuleBook
from mappings.sow_checks import signed_on
from models.errors import NeedsRepair
from models.ids import ExternalKey, FirmId, external_key
from models.roles import Role
from models.survey import SurveyQuestion
from models.terms import BillingType, SignedTerms

__all__ = ["contract_key", "customer_external_key", "project_key", "schedule_key", "survey_question"]


def project_key(firm: FirmId, terms: SignedTerms, part: str = "") -> ExternalKey:
    """Our key of a project; `part` is the billing type of a part project."""
    return external_key(terms.contract_number, firm, "project", part)


def schedule_key(firm: FirmId, terms: SignedTerms, part: str = "") -> ExternalKey:
    """Our key of a billing schedule."""
    return external_key(terms.contract_number, firm, "schedule", part)


def contract_key(firm: FirmId, terms: SignedTerms) -> ExternalKey:
    """Our key of the ERP contract."""
    return external_key(terms.contract_number, firm, "contract")


def customer_external_key(firm: FirmId, key: str) -> ExternalKey:
    """Our key of a customer: from its identity, so that two deals of one new buyer mean one record."""
    return external_key("customer", firm, key)


def survey_question(
    terms: SignedTerms,
    book: RuleBook,  # noqa: ARG001 - part of the seam: a firm may widen the search by a rule
    firm: FirmId,
) -> SurveyQuestion:
    """What the ERP must be asked before a plan can be made. Raises NeedsRepair for a deal without a customer."""
    buyer = terms.buyer
    if buyer is None:
        raise NeedsRepair(
            f"Deal {terms.deal_name} ({terms.deal_id}) has no customer. Choose its account in the CRM, then repair.",
            code="TL-CON-016",
            record=terms.deal_id,
            field="account",
            owner=Role.SALES_OPERATIONS,
        )
    parts = sorted({line.billing_type for line in sold_lines(terms) if line.billing_type is not None})
    keys = [contract_key(firm, terms), project_key(firm, terms), schedule_key(firm, terms)]
    if len(parts) > 1:
        keys += [project_key(firm, terms, part) for part in parts]
        keys += [schedule_key(firm, terms, part) for part in parts if _scheduled(part)]
    names = tuple(dict.fromkeys(name for name in (buyer.name, buyer.legal_name, *buyer.aliases) if name))
    return SurveyQuestion(
        names=names,
        country=buyer.address.country,
        tax_numbers=(buyer.tax_number,) if buyer.tax_number else (),
        registration_number=buyer.registration_number,
        duns=buyer.duns,
        lei=buyer.lei,
        account_id=buyer.account_id,
        erp_customer_id=buyer.erp_customer_id,
        customer_key=customer_external_key(firm, customer_key(buyer)),
        keys=tuple(keys),
        contract_number=terms.contract_number,
        takes_on_project=terms.is_at_risk,
        on=signed_on(terms),
    )


def _scheduled(part: BillingType) -> bool:
    return part in FIXED_PRICE
