from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic import BaseModel, ValidationError

from models.errors import NeedsRepair

__all__ = ["WrongSetting", "names_not_known", "sentences_of"]

_NESTED = "__"


class WrongSetting(NeedsRepair):
    """The process was told something it cannot work with. Names the variable and the fix, never the value."""

    code = "TL-INT-045"


def names_not_known(given: Iterable[str], prefix: str, settings: type[BaseModel]) -> list[str]:
    """A sentence for each variable that nobody reads: a misspelt name would otherwise be a silent default."""
    known = [f"{prefix}{name.upper()}" for name in settings.model_fields]
    sentences = []
    for variable in sorted(name.upper() for name in given if name.upper().startswith(prefix)):
        head = variable.split(_NESTED, 1)[0]
        if head in known:
            continue
        near = difflib.get_close_matches(head, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else "Remove it; deploy/tieline.env.example lists what there is."
        sentences.append(f"{variable} is not a setting of Tieline. {hint}")
    return sentences


def sentences_of(wrong: ValidationError, prefix: str) -> list[str]:
    """One sentence for each wrong setting, by the variable people set."""
    sentences = []
    for error in wrong.errors(include_url=False, include_context=False, include_input=False):
        names = [str(part) for part in error["loc"] if isinstance(part, str)]
        variable = prefix + _NESTED.join(names).upper() if names else f"{prefix}*"
        reason = error["msg"].removeprefix("Value error, ")
        if error["type"] == "missing":
            sentences.append(f"{variable} is not set. Set it; deploy/tieline.env.example shows how.")
        elif error["type"] == "extra_forbidden":
            sentences.append(f"{variable} is not a setting of Tieline. Remove it or correct its name.")
        elif error["type"] in {"string_pattern_mismatch", "string_too_short", "string_too_long"}:
            sentences.append(f"{variable} has the wrong form. {reason}.")
        else:
            sentences.append(f"{variable}: {reason.rstrip('.')}.")
    return sentences
