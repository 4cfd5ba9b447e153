"""The throw-away key pairs a client signs its assertions with."""

from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

__all__ = ["EC_KID", "RSA_KID", "write_keys"]

RSA_KID = "tieline-dev-rsa"
EC_KID = "tieline-dev-ec"


def write_keys(folder: Path) -> dict[str, Path]:
    """Return the private key files by certificate id; existing ones in the folder are kept."""
    paths = {RSA_KID: folder / "client-rsa.pem", EC_KID: folder / "client-ec.pem"}
    for kid, path in paths.items():
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(_pem(kid))
    return paths


@cache
def _pem(kid: str) -> bytes:
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kid == RSA_KID:
        key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
