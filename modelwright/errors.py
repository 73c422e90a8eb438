"""Every error that a person can meet, with the exit code that it ends a command with.

    ModelwrightError
    ├── BadRequest            2   the request, an argument, a file or a setting is wrong
    │   ├── ConfigError           a settings or policy file
    │   ├── PlanError             a plan that does not check; names step, field and reason
    │   ├── DataError             a data set; names file, line and fix
    │   ├── ModelRefError         a model that cannot be found or read
    │   ├── LeaseHeld             another process works on this run
    │   ├── DoesNotFit            a step that needs more memory than there is; names the nearest setting
    │   └── NothingFits           none of the tools does what was asked
    ├── QuestionOpen          3   something needed is missing and only the user can say it
    ├── ApprovalNeeded        4   policy asks and nobody has granted it
    │   └── Denied                policy or the user said no
    │       └── Rejected              the user
    ├── BudgetSpent           5   a bound was reached; `resume --max-…` goes on
    ├── EngineMissing         6   a package, a compiler or an endpoint is not there
    ├── ToolFailed            1   a tool ran and did not succeed
    │   ├── EngineCrashed         its child process died
    │   ├── JobLimit              its child used more time or memory than it was given
    │   ├── TrainingFailed        the loss became NaN, stayed flat, or nothing was trained
    │   ├── ProofFailed           a result could not be proved and is not handed out
    │   └── Stuck                 the same call gave the same result too often
    └── Interrupted         130   stopped by the user; can be resumed

Raise the narrowest one. `message` says what and where in one line, `fix` says how to mend it.
"""

from __future__ import annotations

from typing import Any, ClassVar


def joined(message: str, fix: str) -> str:
    """Both as sentences behind each other; a mark that ends the first is not followed by another."""
    if not (message and fix):
        return message or fix
    return f"{message}{'' if message.rstrip().endswith(('.', '?', '!', '…', ':')) else '.'} {fix}"


class ModelwrightError(Exception):
    """Base of all errors here. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return joined(self.message, self.fix)

    def as_json(self) -> dict[str, Any]:
        return {"type": type(self).__name__, "message": self.message, "fix": self.fix}


class BadRequest(ModelwrightError):
    exit_code = 2


class ConfigError(BadRequest):
    pass


class PlanError(BadRequest):
    """A plan that does not check. `step` and `field` name the place."""

    def __init__(self, message: str, *, step: str = "", field: str = "", fix: str = "") -> None:
        place = ".".join(part for part in (step, field) if part)
        super().__init__(f"{place}: {message}" if place else message, fix=fix)
        self.step = step
        self.field = field


class DataError(BadRequest):
    pass


class ModelRefError(BadRequest):
    pass


class LeaseHeld(BadRequest):
    pass


class DoesNotFit(BadRequest):
    pass


class NothingFits(BadRequest):
    pass


class QuestionOpen(ModelwrightError):
    exit_code = 3


class ApprovalNeeded(ModelwrightError):
    exit_code = 4


class Denied(ApprovalNeeded):
    pass


class Rejected(Denied):
    """A person said no to a step: an answer, and nothing that went wrong."""


class BudgetSpent(ModelwrightError):
    exit_code = 5


class EngineMissing(ModelwrightError):
    exit_code = 6


class ToolFailed(ModelwrightError):
    exit_code = 1


class EngineCrashed(ToolFailed):
    """The child died without a word (a signal, the kernel's memory killer): worth one more try."""

    retryable = True


class JobLimit(ToolFailed):
    pass


class TrainingFailed(ToolFailed):
    pass


class ProofFailed(ToolFailed):
    pass


class Stuck(ToolFailed):
    pass


class Interrupted(ModelwrightError):
    exit_code = 130


def _all_subclasses(root: type[ModelwrightError]) -> dict[str, type[ModelwrightError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _all_subclasses(child)
    return found


def from_json(payload: dict[str, Any]) -> ModelwrightError:
    """The error that a child process wrote down, as the same type here (ToolFailed if unknown)."""
    kind = _all_subclasses(ModelwrightError).get(str(payload.get("type")), ToolFailed)
    error = kind.__new__(kind)
    ModelwrightError.__init__(error, str(payload.get("message", "no message")), fix=str(payload.get("fix", "")))
    if isinstance(error, PlanError):
        error.step = error.field = ""
    return error
