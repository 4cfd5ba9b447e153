from __future__ import annotations

import re

__all__ = ["EMAIL", "TAX_NUMBERS", "without_personal_data"]

EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
TAX_NUMBERS: tuple[re.Pattern[str], ...] = (
    re.compile(
        r"\b(?:ATU|BE|BG|CY|CZ|DE|DK|EE|EL|GR|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK|XI)"
        r"[ -]?(?=(?:[A-Z]?[ .-]?\d){7})[0-9A-Z](?:[ .-]?[0-9A-Z]){7,12}\b"
    ),
    re.compile(r"\bCHE[ -]?\d{3}\.?\d{3}\.?\d{3}\b"),
    re.compile(r"\b\d{2}-\d{7}\b|\b\d{3}-\d{2}-\d{4}\b"),
    re.compile(r"\b\d{2}[A-Z]{5}\d{4}[A-Z][A-Z0-9]Z[A-Z0-9]\b"),
    re.compile(r"\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b"),
)
"""Forms of tax and personal numbers; they would rather find one too many."""
_HIDDEN = "[hidden]"


def without_personal_data(text: str, *, known: str = "") -> str:
    """The sentence without e-mail addresses and tax numbers: an outside system may quote the value it refused.

    `known` is a number of ours in the sentence (a contract's) that may look like one and stays.
    """
    text = EMAIL.sub(_HIDDEN, text)
    for form in TAX_NUMBERS:
        text = form.sub(lambda found: found[0] if known and found[0] in known else _HIDDEN, text)
    return text
