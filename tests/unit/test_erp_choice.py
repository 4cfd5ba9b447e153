"""Which ERP books a contract: by rule, dated and cited, never by a guess."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from activities.ids_on_deals import id_on_deal, shown_on_deal
from mappings.erp_choice import choose_erp
from mappings.plan_contract import DealCase, plan_without_erp
from mappings.rulebook import RuleBook, UnusableRules, load_rulebook
from models.ids import ConnectionId, Step
from models.operations import WriteBackDeal
from models.plan import VerdictKind
from models.records import Links, RecordKind, RecordRef
from models.roles import Role
from models.terms import DealState, SignedTerms
from runtime.wiring import check_erp_rules
from tests.fakes import FakeErp
from tests.unit.planning import BOOK, DEMO_FIRM, case_of, plan_of
from tests.unit.signed_terms import fixed_fee

_DAYS = (date(2026, 10, 31), date(2026, 11, 1))
_RULE = '[[erps]]\nid = "{id}"\nrequirement = "FIN-02"\nvalid_from = {since}\n{until}connection = "{erp}"\n{whose}\n'


def _rule(rule_id: str, erp: str, *entities: str, since: str = "2015-01-01", until: str = "") -> str:
    whose = f"entities = {list(entities)}" if entities else ""
    ends = f"valid_until = {until}\n" if until else ""
    return _RULE.format(id=rule_id, since=since, until=ends, erp=erp, whose=whose)


def _book(folder: Path, *rules: str) -> RuleBook:
    shutil.copytree(DEMO_FIRM, folder / "firm", dirs_exist_ok=True)
    (folder / "firm" / "erps.toml").write_text("\n".join(rules), encoding="utf-8")
    return load_rulebook(folder / "firm")


def _signed_by(name: str, **changes: Any) -> SignedTerms:
    return fixed_fee().model_copy(update={"signing_entity": name, **changes})


def _case(terms: SignedTerms) -> DealCase:
    whole = case_of(terms)
    return DealCase(firm=whole.firm, engagement=whole.engagement, terms=terms)


def test_the_company_that_signed_decides_and_the_plan_cites_the_rule(tmp_path: Path) -> None:
    book = _book(tmp_path, _rule("E-US", "erp-us", "LE-US", "LE-FED"), _rule("E-EU", "erp-eu", "LE-UK", "LE-DE"))
    ours, theirs = choose_erp(fixed_fee(), book), choose_erp(_signed_by("Harbour & Finch GmbH"), book)
    assert (ours.connection, theirs.connection) == ("erp-us", "erp-eu")
    plan = plan_of(fixed_fee(), book, erp_connection=ours.connection, erp_rule=ours.rule)
    (cited,) = [ref for ref in plan.rules if ref.rule == "E-US"]
    assert (cited.requirement, cited.version) == ("FIN-02", book.version)
    assert {item.connection for item in plan.operations} == {"erp-us", "crm-main"}


def test_the_rule_of_the_day_of_signature_counts(tmp_path: Path) -> None:
    book = _book(
        tmp_path,
        _rule("E-OLD", "erp-old", "LE-US", until="2026-11-01"),
        _rule("E-NEW", "erp-new", "LE-US", since="2026-11-01"),
    )
    on = {day: fixed_fee().model_copy(update={"customer_signed_on": day, "company_signed_on": day}) for day in _DAYS}
    assert [choose_erp(terms, book).connection for terms in on.values()] == ["erp-old", "erp-new"]


def test_without_a_rule_a_person_is_asked_and_nothing_is_guessed(tmp_path: Path) -> None:
    book = _book(tmp_path, _rule("E-US", "erp-us", "LE-US"))
    terms = _signed_by("Harbour & Finch KK")
    choice = choose_erp(terms, book)
    assert (choice.connection, choice.finding and choice.finding.code) == (None, "TL-CON-020")
    assert choice.finding is not None
    verdict = plan_without_erp(_case(terms), choice.finding, book)
    (blocker,) = verdict.blockers
    assert (verdict.kind, blocker.owner) == (VerdictKind.BLOCKED, Role.FINANCE_OPERATIONS)
    assert "LE-JP" in blocker.message
    assert "Add one under `erps`" in blocker.message


def test_an_unknown_signer_is_asked_for_before_any_erp(tmp_path: Path) -> None:
    book = _book(tmp_path, _rule("E-US", "erp-us", "LE-US"))
    choice = choose_erp(_signed_by("Harbour & Finch SARL"), book)
    assert (choice.connection, choice.finding and choice.finding.code) == (None, "TL-CON-005")


def test_what_is_not_to_be_set_up_needs_no_erp(tmp_path: Path) -> None:
    book = _book(tmp_path, _rule("E-US", "erp-us", "LE-US"))
    terms = _signed_by("Harbour & Finch KK", deal_state=DealState.LOST)
    finding = choose_erp(_signed_by("Harbour & Finch KK"), book).finding
    assert finding is not None
    assert plan_without_erp(_case(terms), finding, book).kind is VerdictKind.NOT_YET


def test_a_firm_with_one_erp_may_speak_of_all_its_companies_and_one_with_two_may_not(tmp_path: Path) -> None:
    assert choose_erp(_signed_by("Harbour & Finch SARL"), BOOK).connection == "erp-main"
    check_erp_rules(BOOK, [FakeErp()])
    with pytest.raises(UnusableRules, match=r"ERP-1.*several ERPs.*entities"):
        check_erp_rules(BOOK, [FakeErp(), FakeErp()])
    check_erp_rules(_book(tmp_path, _rule("E-US", "erp-us", "LE-US")), [FakeErp(), FakeErp()])


def test_two_erps_for_one_company_on_one_day_and_unknown_companies_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableRules, match="same day"):
        _book(tmp_path, _rule("E-1", "erp-us", "LE-US"), _rule("E-2", "erp-eu", "LE-US", "LE-DE"))
    with pytest.raises(UnusableRules, match="LE-XX"):
        _book(tmp_path, _rule("E-1", "erp-us", "LE-XX"))


def test_only_the_first_erp_writes_its_customer_id_on_the_account() -> None:
    """An account has one place for it; the id of another ERP there would be taken for somebody else's."""
    said = {
        is_first: next(item.request for item in plan.operations if isinstance(item.request, WriteBackDeal))
        for is_first in (True, False)
        if (plan := plan_of(fixed_fee(), is_first_erp=is_first))
    }
    assert (said[True].customer_step, said[False].customer_step) == ("customer", None)
    assert said[False].project_step == "project"


def test_an_id_on_a_deal_tells_which_erp_it_is_of() -> None:
    first, other = ConnectionId("erp-main"), ConnectionId("erp-eu")
    refs = {
        Step(name): RecordRef(connection=name, kind=RecordKind.PROJECT, record_id="77") for name in (first, other)
    }
    shown = shown_on_deal(Links(refs=refs), first)
    assert [shown.refs[Step(name)].record_id for name in (first, other)] == ["77", "erp-eu:77"]
    assert id_on_deal("77", first) == (first, "77")
    assert id_on_deal("erp-eu:77", first) == (other, "77")
