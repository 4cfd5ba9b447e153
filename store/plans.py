from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

from sqlalchemy import bindparam, select

from models.base import digest_of
from models.errors import Fatal
from models.ids import EngagementId, PlanDigest
from models.plan import Plan
from models.terms import SignedTerms
from store import chain
from store.database import Database
from store.prepared import Prepared, given
from store.tables import PlanRow, TermsRow, table_of

__all__ = ["SqlPlanBook"]

_PLAN = table_of(PlanRow)
_TERMS = table_of(TermsRow)
_ADD_PLAN = Prepared(
    lambda insert: (
        insert(_PLAN).values(given(_PLAN)).on_conflict_do_nothing(index_elements=["digest"]).returning(_PLAN.c.digest)
    )
)
_ADD_TERMS = Prepared(
    lambda insert: insert(_TERMS).values(given(_TERMS)).on_conflict_do_nothing(index_elements=["reference"])
)
_PLAN_OF = Prepared(lambda _: select(_PLAN.c.document).where(_PLAN.c.digest == bindparam("digest")))
_TERMS_OF = Prepared(lambda _: select(_TERMS.c.document).where(_TERMS.c.reference == bindparam("reference")))
_KEPT = 256
Kept = TypeVar("Kept")


class SqlPlanBook:
    """Plans and signed terms by fingerprint. They never change, so the last few are kept in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._terms: OrderedDict[str, SignedTerms] = OrderedDict()

    async def save_plan(self, plan: Plan) -> PlanDigest:
        """Keep the plan. The same plan twice is one row."""
        digest = plan.digest
        if digest in self._plans:
            return digest
        now = self._database.clock()
        async with self._database.write() as connection:
            values = {
                "digest": digest, "engagement": plan.engagement, "document": plan.model_dump_json(), "made_at": now,
            }  # fmt: skip
            if await _ADD_PLAN.run(connection, **values):
                await chain.append(
                    connection, at=now, kind="plan.made", engagement=plan.engagement, subject=digest,
                    facts={
                        "rules": plan.rules_version, "terms": plan.terms_digest, "match": plan.match.outcome,
                        "evidence": " ".join(plan.match.evidence)[:500],
                        "applied_rules": ",".join(sorted({rule.rule for rule in plan.rules})),
                    },
                )  # fmt: skip
        _keep(self._plans, digest, plan)
        return digest

    async def save_terms(self, engagement: EngagementId, terms: SignedTerms) -> str:
        """Keep what was read from the CRM. Equal content twice is one row."""
        reference = digest_of(terms)
        if reference not in self._terms:
            async with self._database.write() as connection:
                await _ADD_TERMS.run(
                    connection, reference=reference, engagement=engagement, document=terms.model_dump_json(),
                    read_at=self._database.clock(),
                )  # fmt: skip
            _keep(self._terms, reference, terms)
        return reference

    async def get_terms(self, reference: str) -> SignedTerms:
        """What was read under that reference."""
        if reference in self._terms:
            return self._terms[reference]
        found = await _TERMS_OF.look(self._database, reference=reference)
        if not found:
            raise Fatal(f"The store has no signed terms {reference}.", record=reference)
        terms = SignedTerms.model_validate_json(found[0].document)
        if digest_of(terms) != reference:
            raise Fatal(
                f"The stored terms {reference} were changed after they were read. Nothing is planned from them."
            )
        _keep(self._terms, reference, terms)
        return terms

    async def find_latest_terms(self, engagement: EngagementId) -> SignedTerms | None:
        """What was read last for that engagement."""
        query = (
            select(_TERMS.c.document)
            .where(_TERMS.c.engagement == engagement)
            .order_by(_TERMS.c.read_at.desc(), _TERMS.c.reference)
            .limit(1)
        )
        async with self._database.read() as connection:
            text = (await connection.execute(query)).scalar_one_or_none()
        return None if text is None else SignedTerms.model_validate_json(text)

    async def get_plan(self, digest: PlanDigest) -> Plan:
        """The plan of that digest; a stored plan that does not match its digest was tampered with and is refused."""
        if digest in self._plans:
            return self._plans[digest]
        found = await _PLAN_OF.look(self._database, digest=digest)
        if not found:
            raise Fatal(f"The store has no plan {digest}.", record=digest)
        plan = Plan.model_validate_json(found[0].document)
        if plan.digest != digest:
            raise Fatal(f"The stored plan {digest} was changed after it was made. Nothing of it is applied.")
        _keep(self._plans, digest, plan)
        return plan


def _keep(kept: OrderedDict[str, Kept], key: str, value: Kept) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _KEPT:
        kept.popitem(last=False)
