"""`tidings init` and `tidings check`."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidings.config import Config, WebSettings


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=".")
def init(folder: Path) -> None:
    """Write a commented config.toml to start from.

    It goes into DIR, or the working directory; a file that is already there is left alone. Every key is in it with a
    comment. Mail goes into a folder until you name a server, so nobody is mailed by accident.
    """
    from tidings import config
    from tidings.errors import TidingsError

    path = folder / "config.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(config.example_text())
    except FileExistsError:
        raise TidingsError(f"{path} exists already; it was left as it is") from None
    except OSError as error:
        raise TidingsError(f"{path}: cannot be written ({error})") from error
    click.echo(path)
    click.echo(f"next: edit {path}, then run `tidings -c {path} check`", err=True)


@click.command()
@click.argument("edition_name", metavar="[EDITION]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the report on EDITION as JSON.")
@click.pass_obj
def check(config_path: Path, edition_name: str | None, as_json: bool) -> None:
    """Say what is wrong with the configuration, or with the next mail of EDITION.

    Each problem of the configuration comes with file, line, key and what would be right. Also looks whether the mail
    password and the keys that sign mails are where the file says, and whether the variables that sources need are set.
    Exits with 2 when something is wrong.

    With EDITION the next issue is made as `tidings preview` would, from the posts there are, and the mail is judged:
    what servers refuse, clients cut off or filters distrust, who can't read it, what its text part lacks. A line for
    each finding says what to do; with one in red the exit status is 1. SpamAssassin is asked if it is installed, and
    nobody else. Changes nothing.
    """
    if edition_name is not None:
        _check_edition(config_path, edition_name, as_json)
    elif as_json:
        raise click.UsageError("--json reports on the mail of an edition; name one")
    else:
        _check_configuration(config_path)


def _check_configuration(config_path: Path) -> None:
    import os

    from tidings import config
    from tidings.cli import issuing
    from tidings.cli.suppressions import notes

    loaded = config.load(config_path)
    config.check_secrets(loaded, os.environ)
    _check_templates(loaded)
    doubts = issuing.doubts_of_keys(loaded.mail) if loaded.mail else []
    sources, editions = len(loaded.sources), len(loaded.editions)
    readers = len({address for edition in loaded.editions for address in edition.addresses})
    counts = ((sources, "source"), (editions, "edition"), (readers, "subscriber"))
    listed = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    click.echo(f"{config_path}: fine: {listed}")
    doubts += _without_words(loaded)
    more = (*_doubts_of_proxies(loaded.web), *_for_members(loaded), *_gone(loaded), *notes(loaded), *_flood(loaded))
    for line in (*doubts, *more):
        click.echo(line, err=True)
    if loaded.mail is None and editions:
        click.echo("there is no [mail] table, so nothing will be sent", err=True)


def _without_words(loaded: Config) -> list[str]:
    """That the site's language has no catalogue, nor has what it is a kind of, as "pt" for "pt-BR"."""
    from tidings.cli import issuing

    language = loaded.site.language
    if issuing.templates(loaded).speaks(language):
        return []
    return [
        f'[site] `language` is "{language}", of which no catalogue has the words: pages and mails speak English around '
        f"the posts; put locale/{language}.po into the folder that `templates` names, or write another language"
    ]


def _doubts_of_proxies(web: WebSettings) -> list[str]:
    """What the limits on who asks do not survive, on a site that is public: to believe nobody, or everybody."""
    if not web.public:
        return []
    if not web.trusted_proxies:
        return [
            "[web] `public` is true without `trusted_proxies`: behind a web server all readers seem to come from one "
            'network, and share what one of them may ask for; name the server, as in ["127.0.0.1", "::1"]'
        ]
    return [
        f"[web] `trusted_proxies` has {one}: everybody may say who they are, and ask for as much as they like; name "
        "the web server alone"
        for one in web.trusted_proxies
        if one.prefixlen == 0
    ]


def _for_members(loaded: Config) -> list[str]:
    """A line for each source that is not published, though the file does not say so."""
    return [
        f"{name}: in digests alone, since what it is asked with is not everybody's; "
        "write `publish = true` to have it on pages and in feeds, or `publish = false`"
        for name in loaded.for_members
    ]


def _gone(loaded: Config) -> list[str]:
    """A line for each reader who is named and not mailed. Makes no database where there is none."""
    from tidings.cli.subscribers import listed_but_gone
    from tidings.store import open_store

    if not loaded.site.database.exists():
        return []
    with open_store(loaded.site.database) as store:
        return listed_but_gone(loaded, store)


def _flood(loaded: Config) -> list[str]:
    """That more was asked for of late than is mailed, which may be somebody's mischief."""
    from tidings.cli import wiring
    from tidings.cli.signups import flood
    from tidings.store import open_store, signups

    if not (loaded.web.public and loaded.site.database.exists()):
        return []
    with open_store(loaded.site.database) as store:
        floods = signups.floods(store)
    since = wiring.utc_now() - timedelta(days=1)
    return [flood(kind, at) for kind, at in floods.items() if at > since]


def _check_templates(loaded: Config) -> None:
    """Raises ConfigError when templates, words or subjects can't make what the file asks for."""
    from tidings.cli import issuing
    from tidings.errors import ConfigError
    from tidings.render.proving import prove, prove_planet, prove_preferences, prove_signups

    templates = issuing.templates(loaded)
    found = {f"{loaded.path}: {fault}": None for fault in prove_planet(loaded.site.language, templates)}
    offered = [edition for edition in loaded.editions if edition.signup]
    of_pages = prove_preferences(loaded.site.language, templates) if loaded.web.public else ()
    for fault in (*prove_signups(offered, loaded.site.language, templates), *of_pages):
        found |= {f"{loaded.path}: {fault}": None}
    for edition in loaded.editions:
        found |= {f"{loaded.path}: edition {edition.name}: {fault}": None for fault in prove(edition, templates)}
    if found:
        raise ConfigError(list(found))


def _check_edition(config_path: Path, name: str, as_json: bool) -> None:
    from tidings.cli import drafting, issuing, wiring
    from tidings.mail.spam import judge_spam, spam_score

    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, name)
        office = issuing.preview_office(loaded)
        now = wiring.utc_now()
        draft = drafting.draft_mail(loaded, store, edition, office, now)
        why = "" if draft else drafting.why_nothing(store, loaded, edition, now)
    spam = spam_score(draft.message) if draft else None
    found = drafting.findings(draft, office) if draft else []
    found += judge_spam(spam) if spam else []
    found.sort(key=lambda finding: finding.level != "red")
    if as_json:
        click.echo(json.dumps(drafting.report(edition, draft, found, spam), indent=2, ensure_ascii=False))
    elif draft is None:
        click.echo(f"{edition.name}: {why}, so there is no mail to judge")
    else:
        drafting.show(found)
        click.echo(drafting.summary(edition, draft, found, spam))
    if drafting.is_red(found):
        sys.exit(1)
