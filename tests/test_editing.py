"""The configuration file, edited: what changes, what stays, and that it is never left broken."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings import config
from tidings.config import blocks, editing
from tidings.config.editing import NewSource
from tidings.errors import ConfigError, TidingsError

SITE = '[site]\ntitle = "A"\nurl = "https://planet.example"\n'
FULL = """\
# A planet.
[site]
title = "A"   # its name
url = "https://planet.example"

# Blogs of people.

# Ada writes seldom.
# But well.
[[sources]]   # the first
url = "https://ada.example/feed"
# every = "12h"
tags = [
    "people",  # she is one
]
# more of her later

# --- companies ---

# Bea's.
[[sources]]
url = 'https://bea.example/feed' # moved in May
name = "Bea"
[sources.headers]
X-Planet = "yes"

# Where the pages are served.
[web]
listen = "127.0.0.1:8000"

[[sources]]
url = "https://cyd.example/feed"
name = "Cyd"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_bytes(FULL.encode())
    return path


def sources_of(text: str) -> list[str]:
    return [source["url"] for source in tomllib.loads(text.replace("\r\n", "\n")).get("sources", [])]


def test_new_sources_stand_behind_those_there_are(file: Path) -> None:
    """Every byte of the file stays, and the new tables come after the last source."""
    editing.add_sources(
        file, [NewSource("https://dee.example/", 'Dee "D" \\ é', ("people", "tea")), NewSource("https://eve.example/")]
    )
    assert file.read_text(encoding="utf-8") == FULL + (
        '\n[[sources]]\nurl = "https://dee.example/"\nname = "Dee \\"D\\" \\\\ é"\ntags = ["people", "tea"]\n'
        '\n[[sources]]\nurl = "https://eve.example/"\n'
    )
    assert [source.name for source in config.load(file).sources][3:] == ['Dee "D" \\ é', "eve.example"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SITE, SITE + "\n{}"),
        (SITE.rstrip("\n"), SITE + "\n{}"),
        (SITE + "\n", SITE + "\n{}"),
        (SITE + "# the end", SITE + "# the end\n\n{}"),
        (
            SITE + '[[sources]]\nurl = "https://a.example/"\n[web]\nlisten = "127.0.0.1:1"\n',
            SITE + '[[sources]]\nurl = "https://a.example/"\n\n{}\n[web]\nlisten = "127.0.0.1:1"\n',
        ),
        (
            '[[sources]]\nurl = "https://a.example/"\n# its note\n\n# the site\n' + SITE,
            '[[sources]]\nurl = "https://a.example/"\n# its note\n\n{}\n# the site\n' + SITE,
        ),
    ],
)
def test_there_is_one_blank_line_around_a_new_source(before: str, after: str) -> None:
    """However the file ends, or goes on, the new table stands by itself."""
    new = NewSource("https://new.example/")
    assert blocks.add(before, [new]) == after.format(editing.render(new))


@pytest.mark.parametrize(
    ("url", "gone", "stays"),
    [
        (
            "https://ada.example/feed",
            ["# Ada writes seldom.", "# But well.", '# every = "12h"', "# she is one", "# more of her later"],
            ["# Blogs of people.", "# --- companies ---", "# Bea's."],
        ),
        (
            "https://bea.example/feed",
            ["# Bea's.", "moved in May", "X-Planet"],
            ["# --- companies ---", "# Where the pages are served.", "# more of her later"],
        ),
        ("https://cyd.example/feed", ["Cyd"], ["listen", "# --- companies ---"]),
    ],
)
def test_a_source_goes_with_its_own_comments(file: Path, url: str, gone: list[str], stays: list[str]) -> None:
    """Comments in a table, directly above or below it go with it; headings and what belongs to others stay."""
    taken = editing.remove_source(file, url)
    text = file.read_text(encoding="utf-8")
    assert url not in sources_of(text)
    assert len(sources_of(text)) == 2
    for words in gone:
        assert words in taken
        assert words not in text
    for words in stays:
        assert words in text
        assert words not in taken
    assert "\n\n\n" not in text
    assert not text.endswith("\n\n")


def test_a_heading_over_the_first_source_stays(tmp_path: Path) -> None:
    """If only the first source has a comment above it, that is a heading of them all."""
    file = tmp_path / "config.toml"
    tables = '[[sources]]\nurl = "https://a.example/"\n\n[[sources]]\nurl = "https://b.example/"\n'
    file.write_text(f"{SITE}\n# The blogs.\n{tables}", encoding="utf-8")
    assert "#" not in editing.remove_source(file, "https://a.example/")
    assert file.read_text(encoding="utf-8") == f'{SITE}\n# The blogs.\n[[sources]]\nurl = "https://b.example/"\n'


def test_the_last_source_can_go(tmp_path: Path) -> None:
    """A file without any source is a configuration too."""
    file = tmp_path / "config.toml"
    file.write_text(f'{SITE}\n[[sources]]\nurl = "https://a.example/"\n', encoding="utf-8")
    editing.remove_source(file, "https://a.example/")
    assert file.read_text(encoding="utf-8") == SITE


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark_stay(tmp_path: Path, bom: str) -> None:
    """A file from Windows keeps its line ends, in the new lines too."""
    file = tmp_path / "config.toml"
    file.write_bytes((bom + FULL.replace("\n", "\r\n")).encode())
    editing.add_sources(file, [NewSource("https://new.example/")])
    assert file.read_bytes().decode().replace("\r\n", "").count("\n") == 0
    editing.remove_source(file, "https://bea.example/feed")
    text = file.read_bytes().decode()
    assert text.startswith(bom + "# A planet.\r\n")
    assert text.replace("\r\n", "").count("\n") == 0
    assert [source.url for source in config.load(file).sources] == [
        "https://ada.example/feed",
        "https://cyd.example/feed",
        "https://new.example/",
    ]


def test_mode_and_link_stay(tmp_path: Path) -> None:
    """The file keeps its mode, and a symbolic link to it stays a link."""
    (tmp_path / "etc").mkdir()
    target = tmp_path / "etc" / "real.toml"
    target.write_text(FULL, encoding="utf-8")
    target.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(Path("etc") / "real.toml")
    editing.add_sources(link, [NewSource("https://new.example/")])
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert "https://new.example/" in target.read_text(encoding="utf-8")
    assert [path.name for path in target.parent.iterdir()] == ["real.toml"]


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (NewSource("ftp://a.example/"), "is not an http or https URL"),
        (NewSource("https://ada.example/feed"), "is also that of"),
        (NewSource("https://new.example/", "Bea"), "is also that of"),
        (NewSource("https://new.example/", tags=("",)), "is empty"),
        (NewSource("https://new.example/", name="a\nb"), "line break"),
    ],
)
def test_what_would_not_load_is_not_written(file: Path, new: NewSource, words: str) -> None:
    """A change that would make the configuration wrong is refused in its words, and the file stays as it was."""
    with pytest.raises(ConfigError) as raised:
        editing.add_sources(file, [new])
    assert words in str(raised.value)
    assert f"{file}: was left as it was" in str(raised.value)
    assert ".new" not in str(raised.value)
    assert file.read_text(encoding="utf-8") == FULL
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_a_tag_that_an_edition_needs_keeps_its_source(tmp_path: Path) -> None:
    """Taking out the only source with an edition's tag would break the edition, so it is refused."""
    file = tmp_path / "config.toml"
    edition = '[[editions]]\nname = "tea"\nschedule = "daily 07:30"\ntags = ["tea"]\n'
    text = f'{SITE}{edition}[[sources]]\nurl = "https://a.example/"\ntags = ["tea"]\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="is a tag of no source"):
        editing.remove_source(file, "https://a.example/")
    assert file.read_text(encoding="utf-8") == text


def test_a_broken_file_is_not_touched(tmp_path: Path) -> None:
    """A file that does not load is reported as `check` does, and not edited."""
    file = tmp_path / "config.toml"
    file.write_text("[site]\ntitle = \n", encoding="utf-8")
    with pytest.raises(ConfigError, match=":2:"):
        editing.add_sources(file, [NewSource("https://new.example/")])
    assert file.read_text(encoding="utf-8") == "[site]\ntitle = \n"


def test_sources_as_one_list_are_left_to_the_operator(tmp_path: Path) -> None:
    """Sources written as an inline list can be read but not edited, and the message says how to write them."""
    file = tmp_path / "config.toml"
    text = f'sources = [{{url = "https://a.example/"}}]\n{SITE}'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[\[sources\]\]"):
        editing.add_sources(file, [NewSource("https://new.example/")])
    assert file.read_text(encoding="utf-8") == text


def test_what_lines_cannot_tell_is_refused(tmp_path: Path) -> None:
    """Where a table's end is not where it seems, the edit is refused instead of taking something else along."""
    file = tmp_path / "config.toml"
    text = f'{SITE}[[sources]]\nurl = "https://a.example/"\n[web]\nlisten = "127.0.0.1:1"\n[sources.headers]\nA = "b"\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        editing.remove_source(file, "https://a.example/")
    assert file.read_text(encoding="utf-8") == text


def test_a_change_by_somebody_else_is_not_overwritten(file: Path) -> None:
    """If the file is not what was read any more, nothing is written."""
    raw = file.read_bytes()
    new = blocks.add(FULL, [NewSource("https://new.example/")])
    meaning = [*tomllib.loads(FULL)["sources"], {"url": "https://new.example/"}]
    file.write_text(FULL + "# meanwhile\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="meanwhile"):
        editing._replace(file, raw, new, meaning)
    assert file.read_text(encoding="utf-8") == FULL + "# meanwhile\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_may_not_be_written_is_left(file: Path) -> None:
    """A read-only file is not replaced behind its owner's back."""
    file.chmod(0o440)
    with pytest.raises(TidingsError, match="cannot be written"):
        editing.add_sources(file, [NewSource("https://new.example/")])


PIECES = st.lists(
    st.sampled_from(
        [
            "\n",
            "# note\n",
            "  # indented\n",
            '[[sources]]\nurl = "https://{}.example/"\n',
            '[[sources]] # x\n# in\nurl = "https://{}.example/"\ntags = [\n  "#a",\n]\n# below\n',
            '[[sources]]\nurl = \'https://{}.example/\'\nname = """\\\n  N{} # no comment"""\n',
            '[[editions]]\nname = "e{}"\nschedule = "daily 07:30"\n',
        ]
    ),
    max_size=12,
).map(lambda pieces: "".join(piece.replace("{}", str(number)) for number, piece in enumerate(pieces)))


@given(PIECES, st.sampled_from(["\n", "\r\n"]), st.data())
@settings(max_examples=60, deadline=None)
def test_edits_mean_what_they_say(
    tmp_path_factory: pytest.TempPathFactory, pieces: str, line_end: str, data: st.DataObject
) -> None:
    """Whatever comments, blank lines and tables a file has, an edit changes the sources named and no other meaning."""
    file = tmp_path_factory.mktemp("edit") / "config.toml"
    text = (SITE + pieces).replace("\n", line_end)
    file.write_bytes(text.encode())
    editing.add_sources(file, [NewSource("https://new.example/")])
    old = sources_of(text)
    added = file.read_bytes().decode()
    assert sources_of(added) == [*old, "https://new.example/"]
    assert added.count("#") == text.count("#")
    editing.remove_source(file, "https://new.example/")
    assert sources_of(file.read_bytes().decode()) == old
    if old:
        url = data.draw(st.sampled_from(old))
        editing.remove_source(file, url)
        assert sources_of(file.read_bytes().decode()) == [one for one in old if one != url]
