"""A subscriber in the file: an address, or a table `{ address = "…", language = "de" }`. Raises ValueError."""

from __future__ import annotations

from tidings.addresses import AddressError, checked
from tidings.config import values
from tidings.config.wording import any_of, did_you_mean, quoted
from tidings.model import Subscriber

_KEYS = ("address", "language")
_EXAMPLE = 'write "name@example.org" or { address = "name@example.org", language = "de" }'


def subscriber(value: object) -> Subscriber:
    """A reader of an edition."""
    if isinstance(value, str):
        return Subscriber(_address(value))
    if not isinstance(value, dict):
        raise ValueError(f"is not a subscriber; {_EXAMPLE}")
    for key, text in value.items():
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS) or f"; a subscriber has {any_of(map(quoted, _KEYS))}"
            raise ValueError(f"{quoted(key)} is not a key of a subscriber{hint}")
        if not isinstance(text, str):
            raise ValueError(f"its {key} must be text in quotes; {_EXAMPLE}")
    if "address" not in value:
        raise ValueError(f"has no address; {_EXAMPLE}")
    language = value.get("language", "")
    return Subscriber(_address(value["address"]), values.language(language) if language else "")


def _address(text: str) -> str:
    try:
        return checked(text)
    except AddressError as error:
        raise ValueError(
            f'{quoted(text)} is not an e-mail address ({error}); write one such as "name@example.org"'
        ) from None
