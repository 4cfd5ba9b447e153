"""A throw-away certificate authority, so that clients that insist on https can be pointed at a simulator."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

__all__ = ["ServerCertificate", "make_certificate"]


@dataclass(frozen=True)
class ServerCertificate:
    """Where the certificate authority and the server's own chain and key were written."""

    ca: Path
    chain: Path
    key: Path

    def trust(self) -> ssl.SSLContext:
        """Return a client context that trusts this simulator only."""
        return ssl.create_default_context(cafile=str(self.ca))


def make_certificate(folder: Path) -> ServerCertificate:
    """Issue a certificate for localhost and 127.0.0.1; an existing one in the folder is used again."""
    made = ServerCertificate(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    if all(path.exists() for path in (made.ca, made.chain, made.key)):
        return made
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "127.0.0.1", "::1")
    authority.cert_pem.write_to_path(str(made.ca))
    made.chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    made.key.touch(mode=0o600)
    leaf.private_key_pem.write_to_path(str(made.key))
    return made
