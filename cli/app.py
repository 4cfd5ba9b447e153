from __future__ import annotations

import sys

import typer

from cli import (
    auditing,
    billing,
    counting,
    customers,
    deciding,
    demonstrating,
    diagnosing,
    doors,
    looking,
    matching,
    simulating,
    starting,
)
from models.errors import TielineError
from runtime.leave import leave

__all__ = ["app", "main"]

app = typer.Typer(
    name="starter.py",
    help="Tieline: what was sold in the CRM becomes billable in the ERP, exactly once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_COMMANDS = (
    starting, looking, billing, deciding, customers, matching, auditing, counting, diagnosing, doors, simulating,
    demonstrating,
)  # fmt: skip
for module in _COMMANDS:
    module.add_to(app)


def main() -> None:
    """Run one command and leave with its code: 0 done, 1 refused or failed, 2 usage; never by a signal."""
    code = 0
    try:
        app()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        code = 1
    except TielineError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        code = 1
    leave(code)
