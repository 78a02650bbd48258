"""Keys to sign mail with: made, read, and shown as the DNS record that lets others check the signatures."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from tidings.errors import ConfigError

KeyKind = Literal["rsa", "ed25519"]

_BITS = 2048  # what receivers want today; longer ones make records that some DNS providers cannot hold
_LEAST_BITS = 1024  # RFC 8301 section 3.2: verifiers take no shorter ones
_STRING_OCTETS = 255  # the longest string in a TXT record (RFC 1035 section 3.3.14)


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key. It is not part of what is printed of the value."""

    private: RSAPrivateKey | Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"DkimKey({self.kind})"

    @property
    def kind(self) -> KeyKind:
        return "ed25519" if isinstance(self.private, Ed25519PrivateKey) else "rsa"

    @property
    def algorithm(self) -> str:
        """Its name in the tag `a=` of a signature."""
        return f"{self.kind}-sha256"

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`; Ed25519 signs its hash, not the data themselves (RFC 8463 section 3)."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(hashlib.sha256(data).digest())
        return self.private.sign(data, PKCS1v15(), SHA256())

    def record(self) -> str:
        """The value of the DNS record: an RSA key with its wrapping (RFC 6376 section 3.6.1), an Ed25519 key bare
        (RFC 8463 section 4)."""
        public = self.private.public_key()
        if self.kind == "ed25519":
            octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        else:
            octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k={self.kind}; p={base64.b64encode(octets).decode('ascii')}"

    def pem(self) -> bytes:
        """The private key as a file holds it."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_key(kind: KeyKind) -> DkimKey:
    """A new key of the system's randomness."""
    if kind == "ed25519":
        return DkimKey(Ed25519PrivateKey.generate())
    return DkimKey(generate_private_key(public_exponent=65537, key_size=_BITS))


def write_key(key: DkimKey, file: Path) -> None:
    """Writes a key to a new file that only this user may read. Raises FileExistsError, and OSError otherwise."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(key.pem())


def read_key(file: Path, kind: KeyKind, setting: str) -> DkimKey:
    """The key in `file`, which is named by a `setting` such as "[mail.dkim] key `key_file`".

    Raises ConfigError when the file can't be read, or holds no key of this kind that receivers would take.
    """
    try:
        pem = file.read_bytes()
    except FileNotFoundError:
        raise _unusable(setting, f"{file} not found; make a key with `tidings dkim keygen --type {kind}`") from None
    except OSError as error:
        raise _unusable(
            setting, f"{file} cannot be read ({error.strerror}); make it a file this user may read"
        ) from None
    try:
        private = load_pem_private_key(pem, password=None)
    except TypeError:
        fix = f"write it without one: openssl pkey -in {file.name} -out NEW-FILE"
        raise _unusable(setting, f"{file} is locked with a passphrase; {fix}") from None
    except (ValueError, UnsupportedAlgorithm):
        fix = f"make one with `tidings dkim keygen --type {kind}`"
        raise _unusable(setting, f"{file} holds no private key in PEM form; {fix}") from None
    if not isinstance(private, RSAPrivateKey if kind == "rsa" else Ed25519PrivateKey):
        raise _unusable(setting, f"{file} holds a key of another kind; {_fix_of_kind(kind)}")
    if isinstance(private, RSAPrivateKey) and private.key_size < _LEAST_BITS:
        short = f"has {private.key_size} bits, and nobody takes less than {_LEAST_BITS}"
        raise _unusable(setting, f"{file} {short}; make one of {_BITS} with `tidings dkim keygen`")
    return DkimKey(private)


def doubts(file: Path, key: DkimKey) -> list[str]:
    """What is unwise about a key that works, one sentence each."""
    found = []
    others = stat.S_IRWXG | stat.S_IRWXO
    if file.stat().st_mode & others:
        found.append(f"{file}: other users may read or write this private key; run `chmod 600 {file}`")
    if isinstance(key.private, RSAPrivateKey) and key.private.key_size < _BITS:
        bits = f"this key has {key.private.key_size} bits, which some receivers take for no signature"
        found.append(f"{file}: {bits}; make one of {_BITS} with `tidings dkim keygen` and a new selector")
    return found


def zone_line(name: str, record: str) -> str:
    """The record as a zone file has it: cut into strings, which belong together without blanks (RFC 6376 section
    3.6.2.2)."""
    strings = [record[at : at + _STRING_OCTETS] for at in range(0, len(record), _STRING_OCTETS)]
    quoted = " ".join(f'"{string}"' for string in strings)
    return f"{name}. IN TXT ( {quoted} )"


def _fix_of_kind(kind: KeyKind) -> str:
    if kind == "ed25519":
        return "an Ed25519 key is wanted here; make one with `tidings dkim keygen --type ed25519`"
    return (
        "an RSA key is wanted here, which all receivers can check; make one with `tidings dkim keygen` "
        "(an Ed25519 key goes into `ed25519_key_file`)"
    )


def _unusable(setting: str, problem: str) -> ConfigError:
    return ConfigError([f"{setting}: {problem}"])
