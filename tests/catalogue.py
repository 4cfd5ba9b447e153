"""Write docs/blockers.md from the rules: `python -m tests.catalogue`."""

from __future__ import annotations

from pathlib import Path

from mappings.rulebook import load_rulebook

__all__ = ["PAGE", "page_text"]

_ROOT = Path(__file__).resolve().parents[1]
PAGE = _ROOT / "docs" / "blockers.md"

_FIXES = {
    "choose": "choose one of the values shown",
    "enter": "enter the value",
    "send-back": "correct it at the source (CRM or contract), then say that it is fixed",
    "wait": "nothing, or remove the cause; it continues alone",
    "decide": "decide",
}
_MESSAGES = (
    ("TL-CUS-030", "No account in the CRM carries the ERP customer of an invoice.", "Enter the number on the account."),
    ("TL-INT-000", "Something of ours failed without a code of its own.", "Tell the integration team."),
    ("TL-INT-041", "Temporal does not answer.", "Start it, or set TEMPORAL_ADDRESS."),
    ("TL-INT-042", "An event's signature does not hold, or it is too old.", "Check secret and clock of the sender."),
    ("TL-INT-043", "A signed event cannot be read.", "Correct the field it names in the sender."),
    ("TL-INT-044", "The file that TIELINE_ENV_FILE names is not there.", "Correct the name, or make the file."),
    ("TL-INT-045", "A setting, the people file or a rule file cannot be used.", "Change what the message names."),
    ("TL-INT-046", "Customers of these systems are kept equal by hand.", "Connect a CRM and an ERP that can do it."),
    ("TL-INT-061", "The connected systems show no invoices.", "Connect a CRM and an ERP that can do it."),
    ("TL-INT-047", "A sealed payload of the engine cannot be opened.", "Add the key it names to TIELINE_PAYLOAD_KEYS."),
)


def page_text() -> str:
    """The catalogue as Markdown."""
    book = load_rulebook(_ROOT / "mappings" / "demo_firm")
    lines = [
        "# Every stop, and its repair",
        "",
        "Made from `mappings/demo_firm/blockers.toml` by `python -m tests.catalogue`; a firm sets owners and deadlines",
        "in its own rules. A stop names the record, the field and the fix in its own sentence; here is its kind.",
        "",
        "## Stops on the desk",
        "| code | what stops | who acts | what they do | within (business hours) |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {kind.code} | {kind.title} | {kind.owner.value} | {_FIXES[kind.fix.value]} | {kind.due_hours} |"
        for kind in sorted(book.blockers, key=lambda kind: kind.code)
    ]
    lines += [
        "",
        "Answer with `starter.py repair CONTRACT --as YOU --answer VALUE`; without `--answer` it means: fixed at the",
        "source, look again. Nobody's silence ends a stop: it is reminded of, shown to a delegate, to the next level",
        "and to the controller.",
        "",
        "## Messages of commands, services and the event intake",
        "| code | what happened | what to do |",
        "|---|---|---|",
    ]
    lines += [f"| {code} | {what} | {fix} |" for code, what, fix in _MESSAGES]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page_text(), encoding="utf-8")
