"""Every error that jupyter-loops raises.

    LoopError
    ├── CellError           the text of a %%loop cell cannot be understood
    │   └── OptionError     an option is unknown, or has a value it cannot take
    ├── PreflightError      the run would fail, and nothing has been spent yet
    │   └── SetupError      the set-up statements raised
    ├── BudgetError         a limit does not hold enough for the next call
    ├── ModelError          a model did not answer (carries its ErrorClass)
    │   ├── BreakerError    it was not asked, because it failed too often in a row
    │   ├── FeatureError    it does not take a part of the request, and will not be sent it again
    │   └── ReplyError      a model answered, and the answer cannot be used
    │       └── EditError   its edits do not fit the attempts that they are for
    ├── PromptError         a prompt of the user's own cannot be made
    ├── SandboxError        the child process broke, not the candidate in it
    ├── DeliveryError       what was verified cannot be bound in the notebook
    ├── CallError           a sandboxed function could not be called, or did not come to an end
    ├── TransitionError     the state machine was asked for an illegal step (a bug)
    ├── HistoryError        the history cannot be opened, read or written
    │   ├── NewerHistoryError   it was made by a newer version of jupyter-loops
    │   └── QueryError          an SQL statement over the history failed
    └── NotVerified         a run ended without a verified candidate

Ends of a run are values (`core.Termination`); these are faults. Each error keeps its data in
`args`, so that it unpickles in another process.
"""

from __future__ import annotations

from enum import StrEnum

_LONGEST = 1000  # characters of a message that a screen gets


class ErrorClass(StrEnum):
    """What kind of fault was met; each kind has its own policy (engine/recovery.py)."""

    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    CONTEXT_OVERFLOW = "context_overflow"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    REFUSED = "refused"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"  # the answer was cut at its length limit, and cannot be used
    CANDIDATE = "candidate"  # it is no valid code or data, or broke when it ran
    CHECK = "check"  # it ran, and a check failed
    SANDBOX = "sandbox"  # the child process broke, not the candidate in it
    JUDGE = "judge"  # a judge gave no usable grade
    BUDGET = "budget"  # a limit does not hold enough for the next call


class LoopError(Exception):
    """The root: anything jupyter-loops raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """Show one line in IPython; the traceback of an expected mistake helps nobody."""
        return [f"{type(self).__name__}: {self.shown}"]

    @property
    def shown(self) -> str:
        """The message, short and without control characters: it may quote a provider, a model or a candidate."""
        text = "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in str(self)[:_LONGEST])
        return text if len(str(self)) <= _LONGEST else f"{text}…"


class CellError(LoopError):
    """The text of a %%loop cell cannot be understood; `line` counts from the cell's first line."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message, line)
        self.message, self.line = message, line

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}: {self.message}"


class OptionError(CellError):
    """An option is unknown, or has a value it cannot take."""


class PreflightError(LoopError):
    """The run would fail, and nothing has been spent yet."""


class SetupError(PreflightError):
    """The set-up statements raised in the sandbox."""


class BudgetError(LoopError):
    """A limit does not hold enough for the next call.

    `limit` is the name of a Budget field; `needed` and `remaining` are in its unit. `scope` says whose limit it is:
    empty for the run's own, otherwise in words ("today", "the loop that called this one"). `cause` is the fault
    that made the call necessary, where there was one.
    """

    def __init__(self, limit: str, needed: float, remaining: float, scope: str = "", cause: str = "") -> None:
        super().__init__(limit, needed, remaining, scope, cause)
        self.limit, self.needed, self.remaining, self.scope, self.cause = limit, needed, remaining, scope, cause

    def __str__(self) -> str:
        of = f" of {self.scope}" if self.scope else ""
        return f"the next call may need {self.needed:g} {self.limit}, and {max(self.remaining, 0):g} is left{of}"


class ModelError(LoopError):
    """A model did not answer.

    `retry_after` is in seconds, as the provider asked for; `status` is the HTTP status where there was one;
    `taken_up` says that the provider may have begun to answer, and may bill the prompt; `arrived` are the tokens of its
    answer that came, thoughts and all.
    """

    def __init__(
        self,
        message: str,
        kind: ErrorClass,
        retry_after: float | None = None,
        status: int | None = None,
        taken_up: bool = False,
    ) -> None:
        super().__init__(message, kind, retry_after, status, taken_up)
        self.message, self.kind, self.retry_after, self.status = message, kind, retry_after, status
        self.taken_up, self.arrived = taken_up, 0

    def __str__(self) -> str:
        return self.message


class BreakerError(ModelError):
    """A model was not asked, because it failed too often in a row; `seconds` until it may be asked again."""

    def __init__(self, model: str, kind: ErrorClass, failures: int, seconds: float) -> None:
        when = f"it is asked again in {seconds:.0f} s" if seconds else "another call is asking whether it is back"
        super().__init__(f"{model} was left alone after {failures} times {kind} in a row; {when}", kind)
        self.args = (model, kind, failures, seconds)
        self.model, self.failures, self.seconds = model, failures, seconds


class FeatureError(ModelError):
    """An endpoint does not take a part of the request; the model leaves it out from now on.

    `lasts`: the endpoint said so itself, and other kernels need not ask for it either.
    """

    def __init__(self, message: str, feature: str, lasts: bool = True) -> None:
        super().__init__(message, ErrorClass.BAD_REQUEST)
        self.args = (message, feature, lasts)
        self.feature, self.lasts = feature, lasts


class ReplyError(ModelError):
    """A model answered, and the answer cannot be used; the message is feedback for its next try."""


class PromptError(LoopError):
    """A prompt of the user's own cannot be made: its function raised, or returned what is no prompt."""


class EditError(ReplyError):
    """The edits of an answer do not fit the attempts that they are for."""


class SandboxError(LoopError):
    """The child process broke, not the candidate in it."""


class DeliveryError(LoopError):
    """What was verified cannot be bound in the notebook; nothing of it was bound."""


class CallError(LoopError):
    """A sandboxed function could not be called, did not come to an end, or its result could not be brought back."""


class TransitionError(LoopError):
    """The state machine was asked for an illegal step; this is a bug in jupyter-loops."""


class HistoryError(LoopError):
    """The history cannot be opened, read or written."""


class NewerHistoryError(HistoryError):
    """The history was made by a newer version of jupyter-loops."""


class QueryError(HistoryError):
    """An SQL statement over the history failed; the message is DuckDB's own, caret included."""


class NotVerified(LoopError):
    """A run ended without a verified candidate; the run itself is at hand under its name."""
