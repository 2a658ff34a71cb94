"""Every error that a user can cause: one line that names the file, key or camera, with what was found and expected.

Invariant: no error text contains a count, the time of a crossing or the place of a person.

    PasserbyError              exit code 2, no traceback
    +-- InputError             an argument with a value that is not allowed
    |   +-- LineError          a line that cannot be counted
    |   +-- UnknownNameError   a name for which nothing was ever published
    +-- SourceError            a video that cannot be read
    +-- ModelError             a detector that cannot be used
    +-- SiteError              a site file with mistakes: all of them, in `problems`
    +-- TruthError             a truth file with mistakes: all of them, in `problems`
    +-- OutputError            a file that could not be written; no partial file remains
    +-- PolicyError            a privacy policy that contradicts itself
    +-- LedgerError            a ledger that cannot be read or trusted: every release stops
        +-- BudgetError        a release that exceeds the budget
    +-- StoreError             a store of releases that cannot be reached, read or written; releases wait
        +-- ConflictError      a release that differs from the one published under its key
"""

from collections.abc import Sequence


class PasserbyError(Exception):
    """The base class of all errors that are raised on purpose; `str(error)` is the one line shown to the user.

    >>> try:
    ...     passerby.count("nowhere.mp4", [line])
    ... except passerby.PasserbyError as error:
    ...     print(error)
    nowhere.mp4: no such file
    """


class InputError(PasserbyError):
    """An argument has a value that is not allowed.

    >>> passerby.Counter([])
    Traceback (most recent call last):
        ...
    passerby.errors.InputError: no line to count: expected at least one
    """


class LineError(InputError):
    """A line cannot be counted: it has no length, lies outside the frame, or its name is used twice.

    >>> issubclass(passerby.LineError, passerby.InputError)
    True
    """


class UnknownNameError(InputError):
    """Nothing was ever published for this camera, line, direction or class.

    >>> issubclass(passerby.UnknownNameError, passerby.InputError)
    True
    """


class SourceError(PasserbyError):
    """A video cannot be read.

    >>> passerby.count("nowhere.mp4", [line])
    Traceback (most recent call last):
        ...
    passerby.errors.SourceError: nowhere.mp4: no such file
    """


class ModelError(PasserbyError):
    """A detector cannot be used: its model is not found, is no detector, or fails; or a function gives wrong boxes.

    >>> passerby.count("street.mp4", [line], detector=lambda image: None)
    Traceback (most recent call last):
        ...
    passerby.errors.ModelError: detector <lambda>: found a NoneType, expected passerby.Boxes
    """


class _Problems(PasserbyError):
    """Several mistakes in one file; `problems` has one line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SiteError(_Problems):
    """A site file has mistakes; `problems` has one line for each.

    >>> passerby.SiteError(["site.yaml:2: ...", "site.yaml:9: ..."]).problems
    ('site.yaml:2: ...', 'site.yaml:9: ...')
    """


class TruthError(_Problems):
    """A truth file has mistakes; `problems` has one line for each.

    >>> passerby.TruthError(["truth.yaml:3: ..."]).problems
    ('truth.yaml:3: ...',)
    """


class OutputError(PasserbyError):
    """A file could not be written. No partial file remains.

    >>> passerby.count("street.mp4", [line], detector="motion").to_csv("no/such/folder/counts.csv")
    Traceback (most recent call last):
        ...
    passerby.errors.OutputError: no/such/folder/counts.csv: the folder no/such/folder does not exist
    """


class PolicyError(PasserbyError):
    """A privacy policy has settings that contradict each other, or a line has none.

    >>> issubclass(passerby.PolicyError, passerby.PasserbyError)
    True
    """


class LedgerError(PasserbyError):
    """The ledger cannot be read or trusted. All releases stop.

    >>> issubclass(passerby.LedgerError, passerby.PasserbyError)
    True
    """


class BudgetError(LedgerError):
    """The release would exceed the budget.

    >>> issubclass(passerby.BudgetError, passerby.LedgerError)
    True
    """


class StoreError(PasserbyError):
    """The store of releases cannot be reached, read or written. Releases wait.

    >>> issubclass(passerby.StoreError, passerby.PasserbyError)
    True
    """


class ConflictError(StoreError):
    """A release differs from the one that was published for the same cell and time.

    >>> issubclass(passerby.ConflictError, passerby.StoreError)
    True
    """
