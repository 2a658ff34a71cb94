"""Every error that a user can cause, each one line that names the file, key or camera and what was expected.

Invariant: no error text carries a count, a time of a crossing or a place of a person.

    PasserbyError              exit code 2, no traceback
    +-- InputError             an argument that cannot be meant
    |   +-- LineError          a line that cannot be counted
    |   +-- UnknownNameError   a name of which nothing was ever published
    +-- SourceError            a video that cannot be read
    +-- ModelError             a detector that cannot be used
    +-- SiteError              a site file with mistakes: all of them, in `problems`
    +-- TruthError             a truth file with mistakes: all of them, in `problems`
    +-- OutputError            a file that could not be written; nothing half-written is left
    +-- PolicyError            a privacy policy that cannot hold
    +-- LedgerError            a ledger that cannot be read or trusted: every release stops
        +-- BudgetError        a release that the budget does not reach
    +-- StoreError             a store of releases that cannot be reached, read or written; what waits for it stays
        +-- ConflictError      a release that differs from what was published under its key
"""

from collections.abc import Sequence


class PasserbyError(Exception):
    """Root of all errors raised on purpose; `str(error)` is the one line shown to the user."""


class InputError(PasserbyError):
    """An argument that cannot be meant."""


class LineError(InputError):
    """A line that cannot be counted: no length, outside the frame, a name used twice."""


class UnknownNameError(InputError):
    """A camera, line, direction or label of which nothing was ever published."""


class SourceError(PasserbyError):
    """A video that cannot be read."""


class ModelError(PasserbyError):
    """A detector that cannot be used."""


class _Problems(PasserbyError):
    """Several mistakes found in one file; `problems` holds one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SiteError(_Problems):
    """A site file with mistakes, all of them."""


class TruthError(_Problems):
    """A truth file with mistakes, all of them."""


class OutputError(PasserbyError):
    """A file that could not be written."""


class PolicyError(PasserbyError):
    """A privacy policy that cannot hold."""


class LedgerError(PasserbyError):
    """A ledger that cannot be read or trusted: every release stops."""


class BudgetError(LedgerError):
    """A release that the budget does not reach."""


class StoreError(PasserbyError):
    """A store of releases that cannot be reached, read or written."""


class ConflictError(StoreError):
    """A release that differs from what was published under its key before."""
