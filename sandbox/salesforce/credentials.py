"""The throw-away key pair of the simulated org's one registered client."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

__all__ = ["KEY_FILE", "client_certificate"]

KEY_FILE = "client-key.pem"
_CERTIFICATE_FILE = "client-certificate.pem"


def client_certificate(folder: Path) -> str:
    """Return the client's certificate in PEM; key and certificate are made once and kept in the folder."""
    key_path, certificate_path = folder / KEY_FILE, folder / _CERTIFICATE_FILE
    if key_path.exists() and certificate_path.exists():
        return certificate_path.read_text()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox client")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM).decode()
    certificate_path.write_text(text)
    return text
