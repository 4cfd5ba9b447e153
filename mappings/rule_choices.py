from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from mappings.answers import Answers
from mappings.findings import Finding, Severity, on_contract
from mappings.line_prices import sold_lines
from mappings.rulebook import BillingRule, LegalEntityRule, RuleBook, ServiceLineRule, TermsRule
from models.base import Canonical
from models.blocker import Choice
from models.plan import RuleRef
from models.survey import Chart
from models.terms import SignedTerms, SowLine

__all__ = ["Choices", "choose_rules", "unknown_signer"]


class Choices(Canonical):
    """The firm's rules that apply to a contract; what no rule covers is a finding, never a default."""

    entity: LegalEntityRule | None
    payment_terms: TermsRule | None
    services: dict[str, ServiceLineRule]
    """By line code."""
    billing: dict[str, BillingRule]
    """By line code."""
    missing_cost_centres: tuple[str, ...]
    checked: tuple[RuleRef, ...]
    """Rules that only checked something."""
    findings: tuple[Finding, ...]


@dataclass
class _Choosing:
    """One contract while its rules are chosen."""

    terms: SignedTerms
    book: RuleBook
    chart: Chart
    answers: Answers
    on: date
    findings: list[Finding] = field(default_factory=list)
    checked: list[RuleRef] = field(default_factory=list)


def choose_rules(terms: SignedTerms, book: RuleBook, chart: Chart, answers: Answers, *, on: date) -> Choices:
    """Signing company, payment terms, service lines and billing types, by the rules of the day of signature."""
    choosing = _Choosing(terms, book, chart, answers, on)
    entity = _entity(choosing)
    payment_terms = _payment_terms(choosing, entity) if entity is not None else None
    services: dict[str, ServiceLineRule] = {}
    billing: dict[str, BillingRule] = {}
    for line in sold_lines(terms):
        if (service := _service(choosing, line)) is not None:
            services[line.code] = service
        if (rule := _billing(choosing, line)) is not None:
            billing[line.code] = rule
    wanted = {rule.cost_centre for rule in services.values()}
    return Choices(
        entity=entity,
        payment_terms=payment_terms,
        services=services,
        billing=billing,
        missing_cost_centres=tuple(sorted(wanted - set(chart.cost_centres))),
        checked=tuple(choosing.checked),
        findings=tuple(choosing.findings),
    )


def _entity(c: _Choosing) -> LegalEntityRule | None:
    """Who signed is a fact of the paper; a rule only checks it (DOM-5.1)."""
    entity = c.book.entity_named(c.terms.signing_entity, c.on) if c.terms.signing_entity else None
    if entity is None:
        c.findings.append(unknown_signer(c.terms, c.book, c.on))
        return None
    if entity.code not in {item.code for item in c.chart.entities}:
        c.findings.append(
            Finding(
                code="TL-CON-006", record=entity.names[0], field="legal entity",
                message=f"{entity.names[0]} ({entity.code}) is not in the ERP. Set it up there, then repair.",
            )
        )  # fmt: skip
    _check_signer(c, entity)
    return entity


def unknown_signer(terms: SignedTerms, book: RuleBook, on: date) -> Finding:
    """Nobody knows who of us signed, so nobody knows who books it."""
    said = (
        f"names '{terms.signing_entity}' as our side"
        if terms.signing_entity
        else "does not say which of our companies signed"
    )
    ours = "; ".join(rule.names[0] for rule in book.entities if rule.covers(on))
    return on_contract(
        terms, "TL-CON-005", "signing company",
        f" {said}. Enter one of our companies as it stands on the paper: {ours}.",
    )  # fmt: skip


def _check_signer(c: _Choosing, entity: LegalEntityRule) -> None:
    lines = frozenset(line.service_line for line in sold_lines(c.terms))
    for usual in c.book.signing_rules(c.terms.region, lines, c.on):
        c.checked.append(c.book.ref(usual))
        if entity.code in usual.expected:
            continue
        says = (
            f" was signed by {entity.names[0]}; rule {usual.id} expects {' or '.join(usual.expected)} for region "
            f"{c.terms.region}. The signature counts"
        )
        if c.answers.value("signing_entity") == entity.code:
            c.findings.append(
                on_contract(
                    c.terms, "TL-CON-005", "signing company", f"{says}; the owner of the rule should look at it.",
                    severity=Severity.WARN,
                )
            )  # fmt: skip
            continue
        c.findings.append(
            on_contract(
                c.terms, "TL-CON-005", "signing company",
                f"{says}: confirm the signer and tell the rule's owner, or send the paper back.",
                choices=(Choice(value=entity.code, label=f"{entity.names[0]} signed; book it there"),),
                answer_field="signing_entity",
            )
        )  # fmt: skip


def _payment_terms(c: _Choosing, entity: LegalEntityRule) -> TermsRule | None:
    """The rule for the signed words; a person's choice only where no rule covers them."""
    known = [item for item in c.book.terms_of(entity.code, c.on) if item.code in c.chart.terms]
    rule = c.book.terms_for(c.terms.payment_terms, entity.code, c.on) if c.terms.payment_terms else None
    chosen = c.answers.value("payment_terms")
    if rule is None and chosen:
        rule = next((item for item in known if item.code == chosen), None)
    if rule is not None and rule in known:
        return rule
    said = "states no payment terms"
    if rule is not None:
        said = f"has terms '{c.terms.payment_terms}', whose code {rule.code} is not in the ERP"
    elif c.terms.payment_terms:
        said = f"has terms '{c.terms.payment_terms}', which have no code for {entity.names[0]}"
    longest = max((item.days for item in known), default=0)
    c.findings.append(
        on_contract(
            c.terms, "TL-CON-007", "payment terms",
            f" {said}; our rules go up to {longest} days. Choose the code that means what was signed.",
            choices=tuple(Choice(value=item.code, label=item.text) for item in known),
            answer_field="payment_terms",
        )
    )  # fmt: skip
    return None


def _service(c: _Choosing, line: SowLine) -> ServiceLineRule | None:
    if line.service_line in c.book.not_services:
        c.findings.append(
            on_contract(
                c.terms, "TL-CON-008", f"line {line.code}: service line",
                f", line {line.code} sells {line.service_line}. {c.book.not_services[line.service_line]} "
                "Take the line out of this deal in the CRM.",
            )
        )  # fmt: skip
        return None
    answer_field = f"project_template:{line.service_line}"
    rule = c.book.service_line(line.service_line, c.on)
    if rule is None and (chosen := c.answers.value(answer_field)):
        rule = c.book.service_line(chosen, c.on)
    if rule is None:
        c.findings.append(
            Finding(
                code="TL-CON-008", record=line.service_line or f"line {line.code}", field="service line",
                message=f"Service line '{line.service_line}' of contract {c.terms.contract_number} has no project "
                "template. Choose the service line it is booked under.",
                choices=tuple(
                    Choice(value=item.service_line, label=item.template) for item in c.book.templates(c.on)
                ),
                answer_field=answer_field,
            )
        )  # fmt: skip
    return rule


def _billing(c: _Choosing, line: SowLine) -> BillingRule | None:
    """The items of the ERP that bill this type; a line without type is a finding of its own (TL-CON-009)."""
    if line.billing_type is None:
        return None
    rule = c.book.billing_rule(line.billing_type, c.on)
    if rule is None:
        what = f"billing type '{line.billing_type.value}' has no rule. Add one to the rules"
    else:
        missing = [item for item in (rule.item, rule.fee_item) if item and item not in c.chart.items]
        if not missing:
            return rule
        what = f"item {' and '.join(missing)} is not in the ERP. Set it up there"
    c.findings.append(
        on_contract(c.terms, "TL-CON-006", f"line {line.code}: item", f", line {line.code}: {what}, then repair.")
    )
    return None
