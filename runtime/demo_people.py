from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

__all__ = ["make_demo_people"]

_TEMPLATE = Path(__file__).resolve().parent.parent / "deploy" / "demo-people.toml"


def make_demo_people(folder: Path) -> Path:
    """Write the demo firm's people with a signing key each: `people.toml`, and `keys/PERSON.pem` that only we can read.

    A key that is there already stays, so a second run of the demo does not take away anybody's signature.
    """
    keys = folder / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    keys.chmod(0o700)
    template = tomllib.loads(_TEMPLATE.read_text(encoding="utf-8"))
    tables = []
    for person in template["person"]:
        private = _key_in(keys / f"{person['id']}.pem")
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        tables.append("[[person]]\n" + "\n".join(_lines({**person, "public_key": public})))
    path = folder / "people.toml"
    _write(path, "# Made from deploy/demo-people.toml with keys of its own.\n\n" + "\n\n".join(tables) + "\n", 0o644)
    return path


def _key_in(path: Path) -> Ed25519PrivateKey:
    if path.exists():
        kept = load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(kept, Ed25519PrivateKey):
            return kept
    made = Ed25519PrivateKey.generate()
    _write(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), 0o600)
    return made


def _lines(person: dict[str, Any]) -> list[str]:
    # A JSON string, number, list of strings or boolean is spelt the same in TOML.
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in person.items()]


def _write(path: Path, text: str, mode: int) -> None:
    """Never readable by others for a moment, never half written."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as stream:
        stream.write(text)
    part.replace(path)
