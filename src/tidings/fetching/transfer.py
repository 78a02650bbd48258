"""One libcurl easy handle, and what it holds of the request it is busy with."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime

import pycurl  # type: ignore[import-untyped]

from tidings.fetching import failures
from tidings.fetching.body import Body
from tidings.fetching.guard import forbidden
from tidings.fetching.headers import MAX_HEAD_BYTES, Head
from tidings.fetching.outcomes import BODY_STATUSES, Answer
from tidings.fetching.settings import FetchSettings
from tidings.fetching.trust import TrustStore
from tidings.fetching.way import FOLLOWED, Way, fields_to_send
from tidings.model import Failed

_WEB = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
_MAX_ERROR_PAGE = 64 * 1024
"""A longer error page is cut off: what matters of it stands at its start."""

_CONNECT_SECONDS = 300


class Transfer:
    """Makes one request at a time, any number in a row. `deadline` is for its user to set and to watch.

    `announce` is called right before libcurl puts a request on the wire. libcurl does so again, by itself and up to
    five times, when a kept connection dies without an answer; that request is announced like any other. What
    `announce` raises ends the transfer and is in `raised`.
    """

    def __init__(self, settings: FetchSettings, trust: TrustStore, announce: Callable[[Way], None]) -> None:
        self.handle = pycurl.Curl()
        self.deadline = 0.0
        self.raised: BaseException | None = None
        self._settings = settings
        self._announce = announce
        self._set_up(trust)
        self._clear()

    def begin(self, way: Way, keep_connection: bool) -> None:
        """Loads a request. Raises pycurl.error or ValueError when libcurl will not have it.

        `keep_connection` lets it share a connection with others: quicker, at the price that libcurl may send it again.
        """
        self._clear()
        self.way = way
        self.handle.setopt(pycurl.URL, way.url)
        self.handle.setopt(pycurl.HTTPHEADER, fields_to_send(way, self._settings.user_agent))
        self.handle.setopt(pycurl.FRESH_CONNECT, not keep_connection)
        self.handle.setopt(pycurl.FORBID_REUSE, not keep_connection)

    def result(self, code: int, detail: str) -> Answer | Failed:
        """The answer the finished transfer brought, or what came instead, given libcurl's verdict on it."""
        if code == pycurl.E_OK and not self._head.complete:  # libcurl lets a head that breaks off pass for a whole one
            code = pycurl.E_PARTIAL_FILE
        if code == pycurl.E_OK and self._head.status < 200:
            code, detail = pycurl.E_FTP_WEIRD_SERVER_REPLY, "no status code"
        if code == pycurl.E_OK or self._is_settled():
            return Answer(self.way, self._head, self._body, datetime.now(UTC))
        failed = self._failed(code, detail)
        self._body.close()
        return failed

    def result_at_deadline(self) -> Answer | Failed:
        """The same, given that its time is up."""
        if self._is_settled():
            return Answer(self.way, self._head, self._body, datetime.now(UTC))
        self._body.close()
        return failures.timed_out(self._settings.timeout, self._received)

    def finish(self) -> None:
        """Lets go of our copies of the sockets."""
        for opened in self._opened:
            opened.close()
        self._opened.clear()

    def close(self) -> None:
        self.finish()
        self._body.close()
        self.handle.close()

    def _set_up(self, trust: TrustStore) -> None:
        """The options that are the same for every request.

        Redirects and codings are ours to handle (decisions 14 and 15). HTTP/1.1 only: one request a connection gains
        nothing from HTTP/2, under which libcurl would send a refused request again unseen. libcurl's own TIMEOUT is not
        among them: it counts the time in which our caller does not let us run.
        """
        option = self.handle.setopt
        option(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        option(pycurl.FOLLOWLOCATION, 0)
        option(pycurl.PROTOCOLS, _WEB)
        option(pycurl.PROXY, "")
        option(pycurl.NETRC, pycurl.NETRC_IGNORED)
        option(pycurl.NOSIGNAL, 1)
        option(pycurl.HTTP09_ALLOWED, 0)
        option(pycurl.CONNECTTIMEOUT, max(_CONNECT_SECONDS, int(self._settings.timeout.total_seconds())))
        option(pycurl.WRITEFUNCTION, self._on_body)
        option(pycurl.HEADERFUNCTION, self._on_header)
        option(pycurl.OPENSOCKETFUNCTION, self._on_connect)
        option(pycurl.PREREQFUNCTION, self._on_request)
        if trust.file:
            option(pycurl.CAINFO, trust.file)
        if trust.folder:
            self.handle.unsetopt(pycurl.CAINFO)
            option(pycurl.CAPATH, trust.folder)

    def _clear(self) -> None:
        self._head = Head()
        self._body = Body()
        self._received = 0
        self._too_large = False
        self._forbidden: tuple[str, str] | None = None
        self._opened: list[socket.socket] = []

    def _is_settled(self) -> bool:
        """Whether the status alone settles it, however the rest of the answer went."""
        return self._head.complete and self._head.status >= 200 and self._head.status not in BODY_STATUSES

    def _failed(self, code: int, detail: str) -> Failed:
        if code == pycurl.E_COULDNT_CONNECT and self._forbidden and not self._opened:
            return failures.forbidden_address(*self._forbidden)
        if self._head.size > MAX_HEAD_BYTES or code == failures.TOO_LARGE_HEADER:
            return failures.head_too_large(MAX_HEAD_BYTES)
        if self._too_large:
            return failures.too_large(self._settings.max_bytes)
        if self._body.failed:
            return failures.no_room(self._body.failed)
        if code == pycurl.E_URL_MALFORMAT and self.way.hops:
            return failures.unusable(self.way.url, redirected=True)
        return failures.broken_off(code, detail, self.handle.getinfo(pycurl.OS_ERRNO), self.way.url)

    def _on_request(self, *_: object) -> int:
        try:
            self._announce(self.way)
        except BaseException as error:  # libcurl is between us and who called: it travels in `raised`
            self.raised = error
            return int(pycurl.PREREQFUNC_ABORT)
        return int(pycurl.PREREQFUNC_OK)

    def _on_header(self, line: bytes) -> int:
        return len(line) if self._head.read(line) else -1

    def _on_body(self, piece: bytes) -> int:
        """Keeps a piece of the body as it was sent; -1 makes libcurl give up."""
        self._received += len(piece)
        if self._head.status in FOLLOWED:
            return len(piece) if self._received <= _MAX_ERROR_PAGE else -1
        if self._head.status not in BODY_STATUSES:
            fits = self._received <= _MAX_ERROR_PAGE
        else:
            fits = max(self._received, self._head.body_size) <= self._settings.max_bytes
            self._too_large = not fits
        return len(piece) if fits and self._body.write(piece) else -1

    def _on_connect(self, _purpose: int, address: tuple[int, int, int, tuple[str, ...] | bytes]) -> socket.socket | int:
        """Opens the socket for an address that libcurl resolved, if the guard lets it."""
        family, kind, protocol, where = address
        numeric = where[0] if isinstance(where, tuple) else "a local socket"
        reason = forbidden(numeric, self._settings.allow_networks)
        if reason:
            self._forbidden = (numeric, reason)
            return int(pycurl.SOCKET_BAD)
        try:
            opened = socket.socket(family, kind, protocol)
        except OSError:
            return int(pycurl.SOCKET_BAD)
        self._opened.append(opened)  # pycurl duplicates it, and never closes this one
        return opened
