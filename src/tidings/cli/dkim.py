"""`tidings dkim keygen`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidings.mail.keys import KeyKind

_SELECTORS: dict[KeyKind, str] = {"rsa": "tidings", "ed25519": "tidings-ed25519"}


def _domain(_ctx: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    from tidings.config import values

    return None if text is None else _checked(values.domain_name, text)


def _selector(_ctx: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    from tidings.config import values

    return None if text is None else _checked(values.selector, text)


def _checked(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
def dkim() -> None:
    """Sign mails, so that receivers can tell that they are yours.

    Signatures (DKIM) need a key here and its public half in the DNS of your domain. Without them large providers refuse
    what goes to many readers, or call it spam.
    """


@dkim.command()
@click.option(
    "--domain", metavar="DOMAIN", callback=_domain, help="The domain that signs.  [default: that of [mail] from]"
)
@click.option(
    "--selector",
    metavar="NAME",
    callback=_selector,
    help="The name of the key in the DNS.  [default: tidings, or tidings-ed25519]",
)
@click.option(
    "--type",
    "kind",
    type=click.Choice(["rsa", "ed25519"]),
    default="rsa",
    show_default=True,
    help="Every receiver knows rsa; ed25519 is for a second signature beside it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: dkim-rsa.pem or dkim-ed25519.pem beside the configuration]",
)
@click.pass_obj
def keygen(config_path: Path, domain: str | None, selector: str | None, kind: KeyKind, out: Path | None) -> None:
    """Make a key to sign mails with.

    Writes the private key to a file that only you may read; one that is there is left alone. Prints the TXT record to
    put into the DNS and the lines to put into the configuration. The record comes first: a signature that nobody can
    check is worse than none.
    """
    from tidings.errors import TidingsError
    from tidings.mail import keys

    domain = domain or _own_domain(config_path)
    selector = selector or _SELECTORS[kind]
    file = out or config_path.parent / f"dkim-{kind}.pem"
    key = keys.new_key(kind)
    try:
        keys.write_key(key, file)
    except FileExistsError:
        raise TidingsError(f"{file} exists already; it was left as it is, name another with --out") from None
    except OSError as error:
        raise TidingsError(f"{file}: cannot be written ({error.strerror})") from error
    name = f"{selector}._domainkey.{domain}"
    click.echo(f"{file}\n\nDNS, a TXT record:\n\n  name   {name}\n  value  {key.record()}\n")
    click.echo(f"The same as a line of a zone file:\n\n  {keys.zone_line(name, key.record())}\n")
    click.echo("Once the DNS has it, in the configuration:\n")
    for line in _lines(kind, domain, selector, _as_written(file, config_path)):
        click.echo(f"  {line}")
    click.echo("keep the key to yourself, and a copy where it is safe: no backup of the database has it", err=True)


def _own_domain(config_path: Path) -> str:
    """The domain of the sender in the configuration. Raises ConfigError."""
    from tidings import config
    from tidings.mail.message import domain_of

    loaded = config.load(config_path)
    if loaded.mail is None:
        raise click.UsageError(f"{config_path} has no [mail] table to take the domain from; name it with --domain")
    return domain_of(loaded.mail.sender)


def _as_written(file: Path, config_path: Path) -> str:
    """The file as the configuration names it: from its own folder, if it is below that."""
    whole, folder = file.absolute(), config_path.absolute().parent
    return str(whole.relative_to(folder) if whole.is_relative_to(folder) else whole)


def _lines(kind: KeyKind, domain: str, selector: str, file: str) -> list[str]:
    """What goes into the configuration. An Ed25519 key stands below an RSA key, never alone: not every receiver knows
    the kind."""
    import json

    if kind == "rsa":
        values = {"domain": domain, "selector": selector, "key_file": file}
    else:
        values = {"ed25519_selector": selector, "ed25519_key_file": file}
    head = "[mail.dkim]" if kind == "rsa" else "# in [mail.dkim], below the keys of the RSA key"
    return [head, *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())]
