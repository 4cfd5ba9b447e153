"""Rules that make a simulator fail on purpose: before or after the effect, by status, silence or a cut line."""

import re
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, Literal, get_args

from sandbox.kit.http import Request, Response
from sandbox.kit.wire_json import dumps

__all__ = ["FaultRule", "Faults"]

When = Literal["before", "after"]
FaultAction = Literal["delay", "status", "reset", "hang", "truncate", "late_apply"]


@dataclass
class FaultRule:
    """One rule: which calls it is about, on which of them it fires, and what happens then."""

    id: str
    action: FaultAction
    method: str | None = None
    path: str | None = None
    body_match: str | None = None
    nth: int = 1
    times: int = 1
    when: When = "before"
    delay_s: float = 0.0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    answer: Any = None
    content_type: str | None = None
    matched: int = 0
    fired: int = 0

    def matches(self, request: Request) -> bool:
        """Tell whether a call is of the sort this rule is about."""
        body = request.body.decode(errors="replace")
        return (
            (self.method is None or self.method.upper() == request.method)
            and (self.path is None or re.search(self.path, request.target) is not None)
            and (self.body_match is None or re.search(self.body_match, body) is not None)
        )

    def response(self) -> Response:
        """Build the answer the rule prescribes."""
        text = self.answer if isinstance(self.answer, str) else ("" if self.answer is None else dumps(self.answer))
        kind = self.content_type or ("text/html" if text.lstrip().startswith("<") else "application/json")
        return Response(self.status, [("Content-Type", kind), *self.headers.items()], text.encode())


class Faults:
    """The rules in force. The first matching rule that is due fires; all matching rules count the call."""

    def __init__(self) -> None:
        """Start without rules: the simulator behaves."""
        self.rules: list[FaultRule] = []
        self._numbers = count(1)

    def add(self, raw: dict[str, Any]) -> str:
        """Add a rule as the control route receives it; raises ValueError naming the wrong part."""
        rule = self._parsed(raw)
        self.rules.append(rule)
        return rule.id

    def clear(self) -> None:
        """Remove all rules."""
        self.rules.clear()

    def due(self, request: Request) -> FaultRule | None:
        """Count a call against the rules and return the one that fires on it, if any."""
        chosen: FaultRule | None = None
        for rule in self.rules:
            if not rule.matches(request):
                continue
            rule.matched += 1
            ready = rule.matched >= rule.nth and (rule.times == 0 or rule.fired < rule.times)
            if chosen is None and ready:
                rule.fired += 1
                chosen = rule
        return chosen

    def as_json(self) -> list[dict[str, Any]]:
        """List the rules with how often each matched and fired."""
        return [asdict(rule) for rule in self.rules]

    def _parsed(self, raw: dict[str, Any]) -> FaultRule:
        # In a rule, `body` is a pattern on the request; with action `status` or `truncate` it is the answer to
        # send, and `body_match` is then the pattern.
        values = dict(raw)
        action = values.get("action")
        if action not in get_args(FaultAction):
            raise ValueError(f"A fault rule needs an action out of {', '.join(get_args(FaultAction))}; got {action!r}.")
        if values.get("when", "before") not in get_args(When):
            raise ValueError(f"A fault rule's when is before or after; got {values['when']!r}.")
        if "body" in values:
            values["answer" if action in {"status", "truncate"} else "body_match"] = values.pop("body")
        known = {name for name in FaultRule.__dataclass_fields__ if name not in {"matched", "fired"}}
        if unknown := sorted(values.keys() - known):
            raise ValueError(f"A fault rule has no field {', '.join(unknown)}.")
        for name in ("path", "body_match"):
            if values.get(name) is not None:
                re.compile(values[name])
        values["id"] = str(values.get("id") or f"fault-{next(self._numbers)}")
        values["delay_s"] = float(values.get("delay_s", 0))
        return FaultRule(**values)
