"""What several commands take on their command lines."""

from __future__ import annotations

import click

_HIGHEST = 10**18 - 1  # what SQLite can hold for certain


class _PostId(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic only since click 8.4
    """The id of a post, as `tidings posts` lists it."""

    name = "post"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= _HIGHEST:
            self.fail(
                f"{text!r} is no id of a post, such as 17; `tidings posts` lists posts with their ids", param, ctx
            )
        return int(text)


POST_ID = _PostId()
