"""What a misbehaving server is made of. The ways have names, in `misbehaviour_http.py` (connections, status
lines, headers, redirects, codings) and `misbehaviour_documents.py` (what is inside an answer that is fine)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from tests.feeds import blog
from tests.origin import Answer, Origin, Raw, Request

FEED = blog([2, 1])
"""What the server would say if it behaved: two posts, "Post 1" and "Post 2"."""

HOME = "way.localhost"
ELSEWHERE = "elsewhere.localhost"


@dataclass(frozen=True)
class Stage:
    """The servers there are: `origin` answers on every name under `.localhost`, `inside` on an address that may not be
    reached, and `secure` by TLS, for the ways that need it. On `silent_port` nobody listens."""

    origin: Origin
    inside: Origin
    silent_port: int
    secure: Origin | None = None


@dataclass(frozen=True)
class Turn:
    """A request to answer. `number` counts the requests for its path, from 1."""

    request: Request
    number: int
    stage: Stage

    def elsewhere(self, path: str) -> str:
        """A URL on another host."""
        return self.stage.origin.url(path, host=ELSEWHERE)

    def compares(self, etag: str) -> bool:
        """Whether the request carries this very ETag."""
        return bool(self.request.headers["If-None-Match"] == etag)


Script = Answer | Raw | Callable[[Turn], Answer | Raw]


@dataclass(frozen=True)
class Way:
    """One way to misbehave. `script` answers `/feed`, which the source asks for, and `pages` other paths.

    `polls` is how often the source is polled, `later` the time between two. `timeout` is in seconds. `scheme` and
    `host` are those of the source's URL; with `certificate` the server speaks TLS, and shows one to trust or not.
    A `heavy` document is read in worker processes, as in real life, so that it may cost one its life. A source that
    `is_crowded` is asked right behind another one of its host, on the same connection.
    """

    about: str
    script: Script
    pages: Mapping[str, Script] = field(default_factory=dict)
    polls: int = 2
    later: timedelta = timedelta(minutes=5)
    timeout: float = 10
    scheme: Literal["http", "https"] = "http"
    host: str = HOME
    certificate: Literal["", "trusted", "untrusted"] = ""
    heavy: bool = False
    is_crowded: bool = False

    def play(self, stage: Stage) -> str:
        """Puts the way on stage, and gives the URL to ask."""
        server = stage.secure or stage.origin
        for path, script in {"/feed": self.script, **self.pages}.items():
            server.serve(path, _on_stage(script, stage, server))
            stage.origin.serve(path, _on_stage(script, stage, stage.origin))
        return f"{self.scheme}://{self.host}:{server.port}/feed"


def _on_stage(script: Script, stage: Stage, server: Origin) -> Callable[[Request], Answer | Raw]:
    def answer(request: Request) -> Answer | Raw:
        if isinstance(script, Answer | Raw):
            return script
        return script(Turn(request, server.count(request.path), stage))

    return answer


def raw(*lines: str, body: bytes = b"") -> Raw:
    """An answer put on the wire as it is: a head of these lines, a blank line, the body."""
    return Raw([("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body])


def document(body: bytes, content_type: str = "application/xml", etag: str = '"1"', **fields: str) -> Script:
    """A document served as it should be: with its ETag, and with 304 to whoever has it."""
    headers = {"Content-Type": content_type, "ETag": etag, **{name.replace("_", "-"): fields[name] for name in fields}}

    def answer(turn: Turn) -> Answer:
        return Answer(304, headers=headers) if turn.compares(etag) else Answer(200, body, headers)

    return answer


def changing(*bodies: bytes, **fields: str) -> Script:
    """One document after the other, without validators; the last one stays."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    return lambda turn: Answer(200, bodies[min(turn.number, len(bodies)) - 1], headers)


def in_turn(*answers: Script) -> Script:
    """One answer after the other; the last one stays."""

    def answer(turn: Turn) -> Answer | Raw:
        script = answers[min(turn.number, len(answers)) - 1]
        return script if isinstance(script, Answer | Raw) else script(turn)

    return answer


def verbatim(name: Literal["ETag", "Last-Modified"], value: str) -> Script:
    """A server that answers 304 to its validator, to the byte, and 400 to any other."""
    condition = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}[name]

    def answer(turn: Turn) -> Answer:
        if turn.number == 1:
            return Answer(200, FEED, {name: value})
        return Answer(304 if turn.request.headers[condition] == value else 400)

    return answer


def refusing(status: int, **fields: str) -> Answer:
    """An error, with these headers."""
    return Answer(status, b"<p>No.</p>", {name.replace("_", "-"): value for name, value in fields.items()})


def to(location: str, status: int = 302) -> Answer:
    """A redirect. The location goes out as UTF-8, as most servers send it."""
    return Answer(status, headers={"Location": location.encode().decode("latin-1")})


def away(path: str, host: str = ELSEWHERE, status: int = 302) -> Script:
    """A redirect to another host."""
    return lambda turn: to(turn.stage.origin.url(path, host=host), status)
