from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = """
from decimal import Decimal
from models.base import digest_of
from models.plan import ApprovalSlot, RuleRef
from models.roles import Role
rule = RuleRef(rule="APR-1", requirement="FIN-40", version="1")
roles = frozenset({Role.CONTROLLER, Role.CFO, Role.TAX, Role.CONTRACTS, Role.FINANCE_OPERATIONS})
print(digest_of(ApprovalSlot(slot="s", roles=roles, reason="r", rule=rule, value_usd=Decimal(1))))
"""


def test_a_digest_does_not_depend_on_the_order_of_a_set_in_one_process() -> None:
    digests = {
        subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", _SCRIPT], cwd=_ROOT, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(digests) == 1
