"""The 63 modifications of a public list of contract actions, 41 of them of services: what they are by content."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from mappings.change_order.kinds import KindReading, derive_kind
from models.change_order import Amendment, ChangeKind
from models.money import Money
from models.values import SoldValues
from sandbox.salesforce.demo.source import Action, read_actions

_LABELS = {
    "B": ChangeKind.SCOPE,
    "C": ChangeKind.FUNDING_ONLY,
    "D": ChangeKind.SCOPE,
    "F": ChangeKind.TERMINATION,
    "G": ChangeKind.OPTION_EXERCISED,
    "K": ChangeKind.CLOSE_OUT,
    "M": ChangeKind.ADMINISTRATIVE,
    "V": ChangeKind.NAME_CHANGE,
}
_MODIFICATIONS = [action for action in read_actions() if not action.is_award]


def _amount(action: Action, column: str) -> Money | None:
    """A blank is not zero: a framework has no value at all."""
    return Money.of(action.money(column), "USD") if action.raw[column] else None


def _read(action: Action) -> KindReading:
    label = action.text("reasonformodification")
    signed = Amendment.model_validate(
        {
            "deal_id": action.raw["unique_transaction_id"],
            "source_version": datetime(2016, 9, 10, tzinfo=UTC),
            "contract_number": action.raw["piid"],
            "number": action.raw["modnumber"],
            "currency": "USD",
            "label": label,
            "labelled_kind": _LABELS[label[0]],
            "customer_signed_on": action.day("signeddate"),
            "effective_on": action.day("effectivedate"),
            "value_change": SoldValues(
                funded=_amount(action, "dollarsobligated"),
                exercised=_amount(action, "baseandexercisedoptionsvalue"),
                with_options=_amount(action, "baseandalloptionsvalue"),
            ),
        }
    )
    return derive_kind(signed, None, term_ends_on=action.day("currentcompletiondate"))


def _one(contract: str, number: str) -> KindReading:
    (action,) = [item for item in _MODIFICATIONS if (item.raw["piid"], item.raw["modnumber"]) == (contract, number)]
    return _read(action)


def test_the_file_is_the_one_we_know() -> None:
    assert (len(_MODIFICATIONS), sum(item.is_service for item in _MODIFICATIONS)) == (63, 41)


def test_kinds_by_content() -> None:
    everything = Counter(_read(item).main.value for item in _MODIFICATIONS)
    services = Counter(_read(item).main.value for item in _MODIFICATIONS if item.is_service)

    assert everything == {
        "administrative": 28, "close-out": 14, "scope": 6, "option-exercised": 6, "funding-only": 4, "de-scope": 3,
        "termination": 1, "name-change": 1,
    }  # fmt: skip
    assert services == {
        "administrative": 18, "close-out": 7, "scope": 5, "option-exercised": 5, "funding-only": 4, "de-scope": 2,
    }  # fmt: skip


def test_administrative_actions_with_money_are_asked_about() -> None:
    labelled = [item for item in _MODIFICATIONS if item.raw["reasonformodification"].startswith("M")]
    asked = [item for item in labelled if _read(item).disagreement]

    assert (len(labelled), len(asked)) == (29, 9)
    assert [sum(item.is_service for item in found) for found in (labelled, asked)] == [14, 3]


@pytest.mark.parametrize(
    ("contract", "number", "kind", "says"),
    [
        ("TIRNO16T00021", "3", ChangeKind.SCOPE, ", but it adds USD 32,130.88"),
        ("TPDTTB13K0013", "28", ChangeKind.DE_SCOPE, ", but it takes USD 4,115,491.35 away"),
        ("TIRNO00D000140147", "6", ChangeKind.CLOSE_OUT, ", but it adds USD 40,949.06"),
        (
            "TCC16HQG0139", "1", ChangeKind.OPTION_EXERCISED,
            ", but it also changes the value with options by USD -189.00: label and price differ",
        ),
        ("TFCEN11F0070", "13", ChangeKind.CLOSE_OUT, ", but it takes USD 569,582.22 away"),
        ("0004", "1", ChangeKind.CLOSE_OUT, ", but it takes USD 26,584.99 away"),
    ],
)  # fmt: skip
def test_labels_that_differ_from_the_content(contract: str, number: str, kind: ChangeKind, says: str) -> None:
    reading = _one(contract, number)

    assert reading.main is kind
    assert reading.disagreement == says


@pytest.mark.parametrize(
    ("contract", "number", "kind"),
    [
        ("TIRSE13C00003", "78", ChangeKind.FUNDING_ONLY),
        ("TIRSE13C00003", "79", ChangeKind.OPTION_EXERCISED),
        ("TIRMS16C00007", "2", ChangeKind.OPTION_EXERCISED),
        ("TEPC111113", "M0001", ChangeKind.CLOSE_OUT),
        ("TFSAFSA16K0071", "1", ChangeKind.TERMINATION),
        ("TFSAOIT140045", "3", ChangeKind.NAME_CHANGE),
        ("TIRNO11D00027", "19", ChangeKind.ADMINISTRATIVE),
    ],
)
def test_labels_that_fit_the_content(contract: str, number: str, kind: ChangeKind) -> None:
    reading = _one(contract, number)

    assert (reading.main, reading.disagreement) == (kind, "")


def test_every_label_that_is_asked_about_counts() -> None:
    asked = [item for item in _MODIFICATIONS if _read(item).disagreement]

    assert Counter(item.raw["reasonformodification"][0] for item in asked) == {"M": 9, "C": 6, "G": 2, "K": 1}
