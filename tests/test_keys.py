"""Keys that sign mail: files that only their owner reads, records that others read, and words for what is wrong."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tidings.errors import ConfigError
from tidings.mail.keys import KeyKind, doubts, new_key, read_key, write_key, zone_line

SETTING = "[mail.dkim] key `key_file`"


def pem(
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    passphrase: bytes = b"",
) -> bytes:
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, form, locked)


def tiny_key() -> rsa.RSAPrivateKey:
    """A key of 511 bits, of two primes that everybody knows; libraries make none so short any more."""
    p, q, e = 2**256 - 189, 2**255 - 19, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


SHORT = pem(rsa.generate_private_key(65537, 1024))
LONG = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_written_key_can_be_read(tmp_path: Path, kind: KeyKind) -> None:
    """The file holds the same key, only its owner may read it, whatever the umask, and there is nothing to say."""
    key, file = new_key(kind), tmp_path / "key.pem"
    former = os.umask(0)
    try:
        write_key(key, file)
    finally:
        os.umask(former)
    assert file.stat().st_mode & 0o777 == 0o600
    found = read_key(file, kind, SETTING)
    assert found.record() == key.record()
    assert (found.kind, found.algorithm) == (kind, f"{kind}-sha256")
    assert doubts(file, found) == []


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    file = tmp_path / "key.pem"
    file.write_text("precious", encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_key(new_key("ed25519"), file)
    assert file.read_text(encoding="utf-8") == "precious"


def test_a_key_is_not_shown() -> None:
    """What is printed of a key by accident is its kind and nothing more."""
    assert repr(new_key("ed25519")) == "DkimKey(ed25519)"


def test_records_are_as_the_standards_want_them() -> None:
    """An RSA key of 2048 bits in its wrapping, an Ed25519 key as its bare 32 octets."""
    (wrapped,) = re.fullmatch(r"v=DKIM1; k=rsa; p=([A-Za-z0-9+/]+=*)", new_key("rsa").record()).groups()  # type: ignore[union-attr]
    public = serialization.load_der_public_key(base64.b64decode(wrapped))
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == 2048
    (bare,) = re.fullmatch(r"v=DKIM1; k=ed25519; p=([A-Za-z0-9+/]+=*)", new_key("ed25519").record()).groups()  # type: ignore[union-attr]
    assert len(base64.b64decode(bare)) == 32


def test_zone_lines_are_cut_into_strings() -> None:
    """No string of a TXT record is longer than 255 octets, and together they are the record."""
    record = new_key("rsa").record()
    line = zone_line("one._domainkey.planet.example", record)
    assert line.startswith('one._domainkey.planet.example. IN TXT ( "v=DKIM1; ')
    strings = re.findall('"([^"]*)"', line)
    assert len(strings) == 2
    assert max(map(len, strings)) <= 255
    assert "".join(strings) == record


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_keys_of_other_programs_are_read(tmp_path: Path, form: serialization.PrivateFormat) -> None:
    """What `openssl genrsa` and opendkim-genkey write is a key, too."""
    file = tmp_path / "key.pem"
    file.write_bytes(pem(LONG, form))
    assert read_key(file, "rsa", SETTING).kind == "rsa"


@pytest.mark.parametrize(
    ("content", "kind", "problem"),
    [
        (None, "rsa", "not found; make a key with `tidings dkim keygen --type rsa`"),
        (b"", "rsa", "holds no private key in PEM form; make one with `tidings dkim keygen --type rsa`"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "rsa", "holds no private key in PEM form"),
        (
            LONG.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            "rsa",
            "holds no private key in PEM form",
        ),
        (pem(LONG, passphrase=b"secret"), "rsa", "is locked with a passphrase; write it without one: openssl pkey"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "rsa", "a key of another kind; an RSA key is wanted here"),
        (new_key("ed25519").pem(), "rsa", "an Ed25519 key goes into `ed25519_key_file`"),
        (pem(LONG), "ed25519", "an Ed25519 key is wanted here; make one with `tidings dkim keygen --type ed25519`"),
        (None, "ed25519", "not found; make a key with `tidings dkim keygen --type ed25519`"),
    ],
)
def test_files_that_are_no_key_are_refused(tmp_path: Path, content: bytes | None, kind: KeyKind, problem: str) -> None:
    """Each refusal names the setting, the file, what is wrong and what to do."""
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        read_key(file, kind, SETTING)
    (said,) = refused.value.problems
    assert said.startswith(f"{SETTING}: {file} ")
    assert problem in said


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    """What can't be read is named with the system's reason."""
    with pytest.raises(ConfigError, match=r"cannot be read .*; make it a file this user may read"):
        read_key(tmp_path, "rsa", SETTING)


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    """Under 1024 bits no receiver takes a signature (RFC 8301), so none is made."""
    file = tmp_path / "key.pem"
    file.write_bytes(pem(tiny_key()))
    with pytest.raises(ConfigError, match="has 511 bits, and nobody takes less than 1024; make one of 2048"):
        read_key(file, "rsa", SETTING)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (pem(LONG), 0o640, ["other users may read or write this private key; run `chmod 600"]),
        (pem(LONG), 0o604, ["other users may read"]),
        (SHORT, 0o600, ["this key has 1024 bits, which some receivers take for no signature; make one of 2048"]),
        (SHORT, 0o644, ["other users", "1024 bits"]),
        (pem(LONG), 0o600, []),
    ],
)
def test_doubts_are_said(tmp_path: Path, content: bytes, mode: int, said: list[str]) -> None:
    """A key that others may read and one that is short work, and it is said that they are unwise."""
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    file.chmod(mode)
    found = doubts(file, read_key(file, "rsa", SETTING))
    assert len(found) == len(said)
    for doubt, words in zip(found, said, strict=True):
        assert doubt.startswith(f"{file}: ")
        assert words in doubt
