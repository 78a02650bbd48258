"""The error tree: what an operator can act on.

    TidingsError
    ├── ConfigError     the configuration file is wrong; exit code 2
    ├── StoreError      the database cannot be opened or written
    │   ├── BusyError   somebody else keeps it; later it may do
    │   └── TooLongError    it takes longer than the question may
    ├── RenderError     a template is missing, or asks for something that is not there
    ├── MovedError      the database was restored or copied, and does not send until it is told
    └── MailError       the mail server cannot be reached or refuses us as a whole

Expected failures of one source or one reader are values (`model.Failed`, `model.Receipt`), never exceptions.
Everything else that is raised is a bug.
"""

from __future__ import annotations


class TidingsError(Exception):
    """Base of every error that Tidings words for the operator: what happened, where, and what to do."""


class ConfigError(TidingsError):
    """The configuration cannot be used; `problems` holds one complete sentence for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StoreError(TidingsError):
    """The database cannot be opened, read or written."""


class BusyError(StoreError):
    """Somebody else has kept the database for longer than was waited: nothing is wrong, and later it may do."""


class TooLongError(StoreError):
    """The database takes longer to answer than the question may take."""


class RenderError(TidingsError):
    """A template is missing or asks for a name that is not there."""


class MovedError(TidingsError):
    """The database was restored from a backup, or copied, since it last sent: nothing is sent until it is adopted."""


class MailError(TidingsError):
    """The mail transport as a whole does not work: unreachable, login refused, folder not writable."""
