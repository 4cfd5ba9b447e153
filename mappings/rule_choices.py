from __future__ import annotations

from datetime import date

from mappings.answers import Answers
from mappings.findings import Finding, Severity
from mappings.rulebook import BillingRule, LegalEntityRule, RuleBook, ServiceLineRule, TermsRule
from models.base import Canonical
from models.blocker import Choice
from models.survey import Chart
from models.terms import SignedTerms, SowLine

__all__ = ["Choices", "choose_rules"]

_COUNTRY_CODE_LENGTH = 2


class Choices(Canonical):
    """The firm's rules that apply to a contract; what no rule covers is a finding, never a default."""

    entity: LegalEntityRule | None
    payment_terms: TermsRule | None
    services: dict[str, ServiceLineRule]
    billing: dict[str, BillingRule]
    missing_cost_centres: tuple[str, ...]
    findings: tuple[Finding, ...]


def choose_rules(terms: SignedTerms, book: RuleBook, chart: Chart, answers: Answers, *, on: date) -> Choices:
    """Signing company, payment terms, service lines and billing types, by the rules in force on the day of signature."""
    findings: list[Finding] = []
    entity = _entity(terms, book, chart, answers, on, findings)
    payment_terms = _payment_terms(terms, book, chart, answers, entity, on, findings)
    services: dict[str, ServiceLineRule] = {}
    billing: dict[str, BillingRule] = {}
    for line in terms.lines:
        if line.is_option:
            continue
        service = _service(terms, line, book, answers, on, findings)
        if service is not None:
            services[line.code] = service
        if line.billing_type is not None:
            rule = book.billing_rule(line.billing_type, on)
            if rule is None or rule.item not in chart.items:
                findings.append(_no_item(terms, line, rule))
            else:
                billing[line.code] = rule
    _country(terms, findings)
    wanted = {rule.cost_centre for rule in services.values()}
    return Choices(
        entity=entity,
        payment_terms=payment_terms,
        services=services,
        billing=billing,
        missing_cost_centres=tuple(sorted(wanted - set(chart.cost_centres))),
        findings=tuple(findings),
    )


def _entity(  # noqa: PLR0917 - one choice, all its sources
    terms: SignedTerms, book: RuleBook, chart: Chart, answers: Answers, on: date, findings: list[Finding]
) -> LegalEntityRule | None:
    entity = book.entity_named(terms.signing_entity, on) if terms.signing_entity else None
    if entity is None:
        said = (
            f"names '{terms.signing_entity}'" if terms.signing_entity else "does not say which of our companies signed"
        )
        findings.append(
            Finding(
                code="TL-CON-005", record=terms.contract_number, field="signing company",
                message=f"Contract {terms.contract_number} {said}. Enter one of our companies as on the paper: "
                f"{'; '.join(rule.names[0] for rule in book.entities if rule.covers(on))}.",
            )
        )  # fmt: skip
        return None
    if entity.code not in {item.code for item in chart.entities}:
        findings.append(
            Finding(
                code="TL-CON-006", record=entity.names[0], field="legal entity",
                message=f"{entity.names[0]} ({entity.code}) is not in the ERP. Set it up there, then repair.",
            )
        )  # fmt: skip
    usual = book.signing_rule(terms.region, on) if terms.region else None
    if usual is not None and entity.code not in usual.expected and answers.value("signing_entity") != entity.code:
        findings.append(
            Finding(
                code="TL-CON-005", record=terms.contract_number, field="signing company",
                message=f"Contract {terms.contract_number} was signed by {entity.names[0]}; rule {usual.id} expects "
                f"{' or '.join(usual.expected)} for region {terms.region}. The signature counts: confirm the signer, "
                "and tell the rule's owner.",
                choices=(Choice(value=entity.code, label=f"{entity.names[0]} signed; book it there"),),
                answer_field="signing_entity",
            )
        )  # fmt: skip
    return entity


def _payment_terms(  # noqa: PLR0917 - one choice, all its sources
    terms: SignedTerms, book: RuleBook, chart: Chart, answers: Answers, entity: LegalEntityRule | None, on: date,
    findings: list[Finding],
) -> TermsRule | None:  # fmt: skip
    if entity is None:
        return None
    chosen = answers.value("payment_terms")
    rule = next((item for item in book.terms if chosen and item.code == chosen and item.covers(on)), None)
    rule = rule or book.terms_for(terms.payment_terms, entity.code, on)
    if rule is not None and rule.code in chart.terms:
        return rule
    known = [item for item in book.terms if item.covers(on) and item.code in chart.terms]
    said = f"terms '{terms.payment_terms}' have no code" if terms.payment_terms else "no payment terms are stated"
    findings.append(
        Finding(
            code="TL-CON-007", record=terms.contract_number, field="payment terms",
            message=f"Contract {terms.contract_number}: {said} for {entity.names[0]}. Choose the code that was signed.",
            choices=tuple(Choice(value=item.code, label=item.text) for item in known), answer_field="payment_terms",
        )
    )  # fmt: skip
    return None


def _service(  # noqa: PLR0917 - one choice, all its sources
    terms: SignedTerms, line: SowLine, book: RuleBook, answers: Answers, on: date, findings: list[Finding]
) -> ServiceLineRule | None:
    field = f"project_template:{line.service_line}"
    chosen = answers.value(field)
    rule = book.service_line(chosen, on) if chosen else book.service_line(line.service_line, on)
    if rule is None:
        findings.append(
            Finding(
                code="TL-CON-008", record=line.service_line or f"line {line.code}", field="service line",
                message=f"Service line '{line.service_line}' of contract {terms.contract_number} has no project template. "
                "Choose the service line it is booked under.",
                choices=tuple(Choice(value=item.service_line, label=item.template) for item in book.templates(on)),
                answer_field=field,
            )
        )  # fmt: skip
    return rule


def _no_item(terms: SignedTerms, line: SowLine, rule: BillingRule | None) -> Finding:
    what = f"item {rule.item} is not in the ERP" if rule else f"billing type {line.billing_type} has no rule"
    return Finding(
        code="TL-CON-006", record=terms.contract_number, field=f"line {line.code}: item",
        message=f"Contract {terms.contract_number}, line {line.code}: {what}. Set it up, then repair.",
    )  # fmt: skip


def _country(terms: SignedTerms, findings: list[Finding]) -> None:
    """An unknown country is unknown, never ours (DOM-13)."""
    if terms.buyer is not None and len(terms.buyer.address.country) != _COUNTRY_CODE_LENGTH:
        findings.append(
            Finding(
                code="TL-CUS-006", severity=Severity.STOP, record=terms.buyer.name, field="country",
                message=f"The country of {terms.buyer.name} is unknown, so its tax rules are. "
                "Enter its two-letter code, for example US.",
                answer_field="country",
            )
        )  # fmt: skip
