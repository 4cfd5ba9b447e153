"""A result as a page for `docs/evidence/`: what was measured, where, and which targets are met."""

from __future__ import annotations

from typing import Any

from bench.result import line_of, shown_value, verdict_on

__all__ = ["page_of"]

_NOT_FIGURES = frozenset({"spread", "settings", "details"})
_WANTED = (
    "deals_per_s", "p50_ms", "p99_ms", "lone_ms", "ratio_to_bare", "lone_ratio_to_bare", "ratio_to_raw",
    "vendor_calls_per_deal", "temporal_actions_per_deal", "history_events_per_deal", "worker_cpu_ms_per_deal",
    "store_statements_per_deal", "parked_rss_mb", "recover_s", "backlog_deals_per_s", "workers_2_ratio",
)  # fmt: skip


def page_of(result: dict[str, Any]) -> str:
    """The part of the page that a run decides. What was not measured is named."""
    settings, spreads = result["settings"], result["spread"]
    lines = [f"- {name.replace('_', ' ')}: `{value}`" for name, value in settings.items()]
    lines += ["", "| figure | value | least .. most | target |", "|---|---|---|---|"]
    for name, value in result.items():
        if name in _NOT_FIGURES:
            continue
        spread = spreads.get(name)
        ends = f"{spread['least']:.2f} .. {spread['most']:.2f}" if spread else ""
        lines.append(f"| `{name}` | {shown_value(value)} | {ends} | {verdict_on(name, value)} |")
    for part in ("loaded", "alone"):
        arms = result["details"].get(part, {})
        lines += [""] if arms else []
        lines += [f"- {part}, {name}: {line_of(rounds)}" for name, rounds in arms.items()]
    if missing := [name for name in _WANTED if name not in result]:
        lines += ["", f"Not measured in this run: {', '.join(missing)}."]
    return "\n".join(lines)
