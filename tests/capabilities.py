"""Write docs/connectors/capabilities.md from what the conformance suite declares: `python -m tests.capabilities`."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from connectors.netsuite.adapter import TRAITS
from connectors.tryton.config import TrytonConfig
from connectors.tryton.traits import traits_of
from models.records import Guard
from runtime.registry import CONNECTORS
from tests.conformance.declared import COSTS, FACTS

__all__ = ["METHODS", "PAGE", "page_text"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "connectors" / "capabilities.md"


def _write(*names: str) -> tuple[str, ...]:
    return tuple(f"{verb}_{name}" for name in names for verb in ("find", "ensure"))


METHODS: dict[str, tuple[str, ...]] = {
    "deals": ("check_access", "find_contracts", "list_won_deals", "get_signed_terms", *_write("write_back")),
    "surveys": ("survey", "get_chart", "read_back", "get_work_done"),
    "customers": _write("customer"),
    "contacts": _write("contact"),
    "cost-centres": _write("cost_centre"),
    "projects": _write("project"),
    "billing-schedules": _write("billing_schedule"),
    "contracts": _write("contract"),
    "holds": _write("hold", "release", "cancellation", "purchase_order"),
}
"""What a connector must implement to say that it can do something."""

_LABELS = {
    "salesforce@sandbox": "salesforce",
    "hubspot@sandbox": "hubspot",
    "netsuite@sandbox": "netsuite",
    "tryton@real": "tryton with the module `tieline`",
    "tryton-plain@real": "tryton without it",
}


def page_text() -> str:
    """The page as Markdown."""
    return "\n".join([*_heading(), *_connectors(), *_operations(), *_by_hand()]) + "\n"


def _heading() -> list[str]:
    return [
        "# What each connector can do",
        "",
        "Made by `python -m tests.capabilities`. The suite in `tests/conformance` counts the calls at a running system",
        "and asks each connector for its guards, so this page cannot promise what is not so. Simulated systems are not",
        "the vendors: their counts hold as far as the simulators do.",
        "",
        "- **proof**: the vendor keeps our key unique, or the same values again are no other effect.",
        "- **guarded**: looked up before it is written and again afterwards; two at the very same moment may make two,",
        "  which stops with a repair that names both.",
        "- **manual**: a person does it, and the plan says so. **missing**: an ERP without it is refused at the start.",
    ]


def _connectors() -> list[str]:
    lines = [
        "",
        "## Connectors",
        "| connector | calls for a new deal | made of | index lag | events | tried at |",
        "|---|---|---|---|---|---|",
    ]
    return lines + [
        f"| {_LABELS[name]} | {facts.calls_per_deal} | {facts.counted} | {facts.index_lag} | {facts.events} "
        f"| {facts.tried_at} |"
        for name, facts in FACTS.items()
    ]


def _operations() -> list[str]:
    lines = [
        "",
        "## Writes",
        "Calls of the first run over a warm connection; a repetition takes as many or fewer.",
        "",
        "| operation | connector | guard | calls | of them write |",
        "|---|---|---|---|---|",
    ]
    operations = dict.fromkeys(operation for costs in COSTS.values() for operation in costs)
    for operation in operations:
        for name, costs in COSTS.items():
            of_its_kind = ("write-back" in costs) == (operation == "write-back")
            if (cost := costs.get(operation)) is not None:
                lines.append(f"| {operation} | {_LABELS[name]} | {cost.guard.value} | {cost.calls} | {cost.writes} |")
            elif of_its_kind:
                lines.append(f"| {operation} | {_LABELS[name]} | missing | | |")
    return lines


def _by_hand() -> list[str]:
    tryton = TrytonConfig(base_url="http://127.0.0.1", database="x", api_key=SecretStr("x"), has_uniqueness_module=True)
    lines = ["", "## Left to people", "The plan says so before anything is written, for deals of that billing type."]
    for name, traits in (("netsuite", TRAITS), ("tryton", traits_of(tryton))):
        lines += ["", f"**{name}**", *(f"- {sentence}" for sentence in traits.manual)]
        lines += [f"- {field}" for field, value in traits if value is Guard.MANUAL]
    lines += ["", "## Words for what a connector can do", "| word | methods |", "|---|---|"]
    lines += [f"| {word} | {', '.join(f'`{method}`' for method in methods)} |" for word, methods in METHODS.items()]
    others = sorted({word for spec in CONNECTORS.values() for word in spec.capabilities} - set(METHODS))
    return lines + [f"| {word} | not part of the suite yet |" for word in others]


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page_text(), encoding="utf-8")
