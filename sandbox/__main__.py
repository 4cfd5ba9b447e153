"""`python -m sandbox SYSTEM --port P`: one simulator as one process."""

import argparse
import asyncio
import sys
from pathlib import Path

from sandbox.kit import Options, serve
from sandbox.registry import SYSTEMS, build


def main(arguments: list[str] | None = None) -> int:
    """Run a simulator until SIGTERM or SIGINT."""
    options = _options(arguments)
    try:
        system = build(options)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    asyncio.run(serve(system, options))
    return 0


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Simulate one vendor system over HTTP.")
    parser.add_argument("system", choices=sorted(SYSTEMS))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls", action="store_true", help="serve https with a throw-away certificate authority")
    parser.add_argument("--state", default="empty", help="empty, demo, or a state file")
    parser.add_argument("--data", type=Path, help="folder in which changes outlive the process")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
    found = parser.parse_args(arguments)
    settings = dict(pair.partition("=")[::2] for pair in found.set)
    return Options(found.system, found.host, found.port, found.tls, found.state, found.data, settings)


if __name__ == "__main__":
    raise SystemExit(main())
