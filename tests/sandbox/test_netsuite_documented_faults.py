import json
import re
from pathlib import Path

import pytest

from tests.sandbox.netsuite_client import CUSTOMER, account

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox-state.md").read_text()
BLOCKS = re.findall(r"```json\n(.*?)```", PAGE.split("## Salesforce")[0], re.DOTALL)
RULES = json.loads(BLOCKS[-1])


async def test_the_documented_state_file_loads(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text(BLOCKS[0])
    async with account(state=str(state)) as client:
        (row,) = await client.rows("SELECT BUILTIN.DF(parent) AS customer FROM job")
        assert row == {"customer": "Acme Ltd"}


@pytest.mark.parametrize("rule", [rule for rule in RULES if "body" in rule], ids=lambda rule: str(rule["status"]))
async def test_the_documented_faults_answer_as_written(rule: dict[str, object]) -> None:
    async with account() as client:
        await client.fault(**rule)
        answer = await client.call(str(rule.get("method", "PUT")), "/record/v1/customer/eid:a", CUSTOMER)
        assert answer.status_code == rule["status"]
        body = rule["body"]
        assert answer.text == body if isinstance(body, str) else answer.json() == body
