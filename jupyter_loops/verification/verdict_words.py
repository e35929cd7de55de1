"""Verdicts in words: one line for a person, feedback for the model."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_loops.core.candidate import Exit, Fault, Frame, Layer, Observation, Verdict

LINE = 200  # characters of the one line
ITEM = 1200  # characters of one piece of feedback
SHOWN = 8  # failed checks that the model is told of

_EXITS = {
    Exit.RAISED: "the code raised an exception",
    Exit.INVALID: "the answer does not fit the declared type",
    Exit.WALL: "it ran longer than the time limit",
    Exit.CPU: "it used more processor time than allowed",
    Exit.MEMORY: "it used more memory than allowed",
    Exit.PROCESSES: "it started more processes than allowed",
    Exit.OUTPUT: "it printed, returned or wrote to files more than allowed",
    Exit.DIED: "it ended its own process",
    Exit.GARBAGE: "it disturbed the channel on which results come back",
    Exit.KILLED: "it was stopped",
}


def why(verdicts: Sequence[Verdict], observation: Observation | None) -> str:
    """The first failure, or what was achieved. Of hidden checks only how many failed."""
    failed = _failed(verdicts)
    checks = [verdict for verdict in verdicts if verdict.index]
    if failed and not failed[0].hidden:
        count = f" ({sum(verdict.passed for verdict in checks)} of {len(checks)} passed)" if len(checks) > 1 else ""
        return _clip(_short(failed[0]), LINE - len(count)) + count
    if failed:
        return _hidden(failed, verdicts)
    if observation is not None and observation.exit is not Exit.OK:
        return _clip(ended(observation, in_hidden=any(verdict.hidden for verdict in verdicts)), LINE)
    if not checks:
        return "no check has run"
    return f"{'all ' * (len(checks) > 1)}{len(checks)} check{'s' * (len(checks) > 1)} passed"


def feedback(verdicts: Sequence[Verdict], observation: Observation | None) -> tuple[str, ...]:
    """One item a failed check, then how the candidate ended where that was not well.

    Once a hidden check has run, what was printed and raised may hold its values, so it is left out.
    """
    failed = _failed(verdicts)
    visible = [verdict for verdict in failed if not verdict.hidden]
    in_hidden = any(verdict.hidden for verdict in verdicts)
    items = [_item(verdict) for verdict in visible[:SHOWN]]
    if len(visible) > SHOWN:
        items.append(f"and {len(visible) - SHOWN} more checks failed")
    if len(visible) < len(failed):
        items.append(f"{_hidden(failed, verdicts)}; what you see passes, so solve the general case")
    if observation is not None and failed:
        items += observation.notes
    if observation is not None and observation.exit is not Exit.OK:
        items.append(_clip(ended(observation, in_hidden=in_hidden), ITEM))
        if not in_hidden:
            items += _details(observation)
    return tuple(items)


def _failed(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Without the schema layer: the observation explains that better."""
    return [verdict for verdict in verdicts if not verdict.passed and verdict.layer is not Layer.SCHEMA]


def _line(verdict: Verdict) -> str:
    return f"{verdict.check}: {_flat(verdict.message)}" if verdict.message else verdict.check


def _short(verdict: Verdict) -> str:
    """Without the check's source where the message begins with it anyway."""
    first, message = verdict.check.replace('"', "'").split(" ")[0], _flat(verdict.message)
    return message if message.replace('"', "'").startswith(first) else _line(verdict)


def _item(verdict: Verdict) -> str:
    lines = [_line(verdict)]
    lines += [f"  {expression} = {value}" for expression, value in verdict.values.items()]
    lines += _frames(verdict.fault)
    return _clip("\n".join(lines), ITEM)


def _hidden(failed: Sequence[Verdict], verdicts: Sequence[Verdict]) -> str:
    missed, all_hidden = (sum(verdict.hidden for verdict in group) for group in (failed, verdicts))
    return f"{missed} of {all_hidden} hidden checks failed"


def ended(observation: Observation, *, in_hidden: bool = False) -> str:
    """How a candidate's run ended that did not end well, in one line."""
    reason = _EXITS.get(observation.exit, observation.exit.value)
    if in_hidden:
        return f"in a hidden check {reason}"
    if observation.fault is None:
        return f"{reason} (after {observation.seconds:.1f} s)" if observation.exit is Exit.WALL else reason
    fault = f"{observation.fault.type}: {_flat(observation.fault.message)}"
    where = next((f" (line {f.line}: {f.text.strip()})" for f in reversed(_candidate_frames(observation.fault))), "")
    return f"{fault}{where}" if observation.exit is Exit.RAISED else f"{reason}: {fault}{where}"


def _details(observation: Observation) -> list[str]:
    """The candidate's own frames, and the end of what it printed."""
    frames = "\n".join(_frames(observation.fault))
    printed = observation.stdout.strip()[-400:]
    return [_clip(text, ITEM) for text in (frames, f"it printed: {printed}" if printed else "") if text]


def _frames(fault: Fault | None) -> list[str]:
    return [
        f"  line {frame.line}, in {frame.function}: {frame.text.strip()}"
        + (f"   with {', '.join(f'{name}={value}' for name, value in frame.values.items())}" if frame.values else "")
        for frame in _candidate_frames(fault)
    ]


def _candidate_frames(fault: Fault | None) -> list[Frame]:
    return [frame for frame in fault.frames if frame.where == "candidate"] if fault else []


def _flat(text: str) -> str:
    return " ".join(text.split())


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
