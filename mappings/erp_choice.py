from __future__ import annotations

from mappings.findings import Finding, on_contract
from mappings.rule_choices import unknown_signer
from mappings.rulebook import RuleBook
from mappings.sow_checks import signed_on
from models.base import Canonical
from models.ids import ConnectionId
from models.plan import RuleRef
from models.terms import SignedTerms

__all__ = ["ErpChoice", "choose_erp"]


class ErpChoice(Canonical):
    """In which ERP a contract is booked, and the rule that says so; or what keeps us from knowing."""

    connection: ConnectionId | None = None
    rule: RuleRef | None = None
    finding: Finding | None = None


def choose_erp(terms: SignedTerms, book: RuleBook) -> ErpChoice:
    """The ERP of the company that signed, by the rules of the day of signature. No rule is a finding, never a guess."""
    on = signed_on(terms)
    entity = book.entity_named(terms.signing_entity, on) if terms.signing_entity else None
    rule = book.erp_of(entity.code if entity is not None else None, on)
    if rule is not None:
        return ErpChoice(connection=rule.connection, rule=book.ref(rule))
    if entity is None:
        return ErpChoice(finding=unknown_signer(terms, book, on))
    return ErpChoice(
        finding=on_contract(
            terms, "TL-CON-020", "signing company",
            f" was signed by {entity.names[0]} ({entity.code}), and no rule says in which ERP that company books "
            f"contracts of {on:%d %b %Y}. Add one under `erps` to the rules, then repair.",
        )
    )  # fmt: skip
