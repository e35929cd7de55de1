"""What a model proposes, what happened when it ran, and what the checks said."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class CandidateKind(StrEnum):
    """The language a candidate is written in."""

    CODE = "code"  # Python source that defines the targets
    DATA = "data"  # JSON object: target name → value


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One proposal for all targets of a recipe. Untrusted text, always."""

    kind: CandidateKind
    text: str  # Python source, or the JSON text of an object with one key a target


class Exit(StrEnum):
    """How an action in the sandbox ended."""

    OK = "ok"
    RAISED = "raised"  # an exception of the candidate's own
    INVALID = "invalid"  # a data target does not fit its type, or a target is missing
    WALL = "wall"  # wall-clock limit
    CPU = "cpu"
    MEMORY = "memory"
    PROCESSES = "processes"
    OUTPUT = "output"  # printed, returned or wrote to files more than allowed
    DIED = "died"  # the child ended by itself: os._exit, a signal, a crash
    GARBAGE = "garbage"  # the child broke the protocol
    KILLED = "killed"  # by a stop of the run


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One line of a traceback, in the candidate or in a check."""

    where: str  # "candidate" or "check"
    function: str
    line: int  # in the candidate's text, or in the cell
    text: str
    values: dict[str, str] = field(default_factory=dict)  # local names → clipped reprs


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An exception, told without the exception object."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one candidate may use; None means no limit."""

    seconds: float = 10.0  # wall clock, for the candidate and all its checks
    cpu_seconds: float | None = None  # None: as `seconds`
    life_cpu_seconds: float | None = None  # of a process that is called again and again; None: as `cpu_seconds`
    setup_seconds: float | None = 120.0  # wall clock, for the set-up, and for names that are sent later
    memory_bytes: int | None = 2 * 1024**3
    processes: int = 32
    open_files: int = 256
    file_bytes: int = 256 * 1024**2
    disk_bytes: int = 1024**3  # of all its files
    files: int = 20_000
    output_bytes: int = 64 * 1024  # kept of stdout and of stderr, each; ten times this ends the action
    result_bytes: int = 64 * 1024**2  # of one frame on the border
    artifact_bytes: int = 64 * 1024**2  # of the files of one action, where they are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that a candidate has written to its scratch directory."""

    name: str  # relative to the directory
    bytes: int
    kept: str = ""  # where it is below the run's artifacts; empty: it was not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What a candidate or a check has drawn, in a form that holds no code."""

    kind: str  # png, plotly
    title: str = ""
    width: int = 0  # pixels
    height: int = 0
    content: str = ""  # base64 of a PNG; or JSON: the traces in numbers, and the figure itself where it is small


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one action in the sandbox did, apart from what the checks said of it."""

    exit: Exit
    fault: Fault | None = None
    stdout: str = ""
    stderr: str = ""
    clipped: bool = False  # output was longer than what is kept
    seconds: float = 0.0  # wall clock
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    kill_seconds: float | None = None  # from the limit to the death of the last process
    isolation: str = "process"
    files: tuple[File, ...] = ()  # written to the scratch directory
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()  # what a person should know of how it was examined


class Layer(StrEnum):
    """The layers of verification, from cheap to dear."""

    PARSE = "parse"
    STATIC = "static"
    SCHEMA = "schema"
    CONSISTENCY = "consistency"  # of histories before 0.2: the exam was not touched
    CHECKS = "checks"
    HIDDEN = "hidden"
    METRICS = "metrics"
    JUDGE = "judge"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number that a check compares with a target."""

    value: float
    target: float | None = None  # None for a score that has no goal
    direction: str = "maximize"  # maximize, minimize or equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check said of one candidate."""

    check: str  # the check's name
    layer: Layer
    passed: bool
    message: str = ""  # one line for a person; empty when passed
    values: dict[str, str] = field(default_factory=dict)  # sub-expression → clipped repr
    metric: Metric | None = None
    seconds: float = 0.0
    index: int = 0  # position among the recipe's checks; 0 for other layers
    hidden: bool = False
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The targets' values, as they may cross into the kernel."""

    values: dict[str, Any] = field(default_factory=dict)  # JSON of data and text targets
    objects: dict[str, bytes] = field(default_factory=dict)  # what code has built, as `execution.crossing` packs it
