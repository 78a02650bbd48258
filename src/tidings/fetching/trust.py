"""Where this machine keeps the certificate authorities it trusts.

A pycurl wheel carries the path of the system it was built on, which on another one does not exist; then every
https fetch fails. So the path is looked for.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from tidings.records import dataclass

_KNOWN_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",  # older RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, BSD, Alpine
)


@dataclass(frozen=True, slots=True)
class TrustStore:
    """A bundle file, or a folder of hashed certificates; at most one is set. None of both: libcurl's own default."""

    file: str | None = None
    folder: str | None = None


def find_trust_store() -> TrustStore:
    """The store OpenSSL names (SSL_CERT_FILE and SSL_CERT_DIR included), else a well-known one that exists."""
    paths = ssl.get_default_verify_paths()
    for file in (paths.cafile, *_KNOWN_FILES):
        if file and Path(file).is_file():
            return TrustStore(file=file)
    if paths.capath and any(Path(paths.capath).iterdir()):
        return TrustStore(folder=paths.capath)
    return TrustStore()
