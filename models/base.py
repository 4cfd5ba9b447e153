from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["Canonical", "digest_of"]


class Canonical(BaseModel):
    """A business fact as Tieline holds it: immutable and closed.

    Inputs never appear in validation errors, because they can hold personal data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def digest_of(*facts: Canonical | str | None, without: frozenset[str] = frozenset()) -> str:
    """Fingerprint of facts: equal content gives an equal SHA-256, on every machine and in every version of the code.

    `without` names top-level fields that do not count, for example the time at which a plan was made.
    """
    documents: list[Any] = [
        fact.model_dump(mode="json", exclude=set(without)) if isinstance(fact, Canonical) else fact for fact in facts
    ]
    text = json.dumps(documents, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
