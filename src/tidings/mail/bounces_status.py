"""Reports in fields (RFC 3464), which any mail server of the last twenty years can write. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from tidings.mail.bounces_meaning import report_of, status_in
from tidings.mail.bounces_reading import Headers, Letter, read_blocks, words
from tidings.mail.bounces_text import report_lines
from tidings.model import Action, Report

_STATUS_PARTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_MOST_REPORTS = 10  # of a mail to one reader: more come where that is forwarded to many
_STATUS = re.compile(r"\s{0,5}([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_BY_CLASS: dict[str, Action] = {"2": "delivered", "4": "delayed"}
_ACTIONS: dict[str, Action] = {
    "failed": "failed",
    "failure": "failed",
    "error": "failed",  # OpenSMTPD
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}


def reports_in_fields(letter: Letter) -> tuple[Report, ...]:
    """The reports of a delivery status notification, none if it is no such. The part that holds them may bear a wrong
    media type: what it contains counts, if the whole says to be a report."""
    blocks = [block for part in letter.parts if part.type in _STATUS_PARTS for block in read_blocks(part.text)]
    if not blocks and letter.media_type == "multipart/report":
        blocks = [block for part in letter.parts for block in read_blocks(part.text) if not _is_foreign(block)]
    server = next((_value(block["reporting-mta"]) for block in blocks if "reporting-mta" in block), "")
    return tuple(_reports(blocks, server, "\n".join(report_lines(letter.text))))


def _is_foreign(block: Headers) -> bool:
    """Whether a group of fields is none of a report: a recipient's has both an address and what became of it."""
    return "reporting-mta" not in block and not ("final-recipient" in block and {"action", "status"} & block.keys())


def _reports(blocks: Iterable[Headers], server: str, text: str) -> list[Report]:
    told = [block for block in blocks if "final-recipient" in block or "action" in block]
    return [_report(block, server, text) for block in told[:_MOST_REPORTS]]


def _report(block: Headers, server: str, text: str) -> Report:
    diagnostic = words(_value(block.get("diagnostic-code", "")))
    status = _status(block.get("status", ""), diagnostic)
    action = _action(block.get("action", ""), status)
    address = _address(block.get("original-recipient", "")) or _address(block.get("final-recipient", ""))
    report = report_of(address, action, status, diagnostic, server)
    if report.meaning != "unknown" or action != "failed":
        return report
    return replace(report_of(address, action, status, f"{diagnostic} {text}", server), diagnostic=diagnostic)


def _status(field: str, diagnostic: str) -> str:
    """The field's code; where it says nothing ("other undefined status", RFC 3463 section 3.1) that of the words."""
    found = _STATUS.match(field)
    declared, spoken = found[1] if found else "", status_in(diagnostic)
    return spoken if spoken and declared[1:] in ("", ".0.0") else declared


def _action(field: str, status: str) -> Action:
    """The field's action; some add comments to it. Without one the code's class says as much."""
    stated = _ACTIONS.get(field.strip().lower().partition(" ")[0].rstrip(";,."))
    return stated or _BY_CLASS.get(status[:1], "failed")


def _address(field: str) -> str:
    """The address of "rfc822; <a@b>", without its type."""
    return _value(field).strip("<>\"' ")


def _value(field: str) -> str:
    """What follows the type, as in "dns; mx.example" or "smtp; 550 no"; some forget the type."""
    kind, semicolon, value = field.partition(";")
    return value.strip() if semicolon and " " not in kind.strip() else field.strip()
