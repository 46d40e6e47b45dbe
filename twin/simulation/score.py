"""Count how many planted faults hints find, and how many hints are in vain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from twin.expectation.hint import Hint, HintKind
from twin.simulation.faults import FaultKind, Planted

SAME: Mapping[FaultKind, HintKind] = {
    FaultKind.OUTAGE: HintKind.OUTAGE,
    FaultKind.STUCK: HintKind.STUCK,
    FaultKind.CLOCK: HintKind.CLOCK,
    FaultKind.UNIT: HintKind.UNIT,
    FaultKind.SILENCE: HintKind.GAP,
    FaultKind.SOILING: HintKind.SOILING,
    FaultKind.SHADING: HintKind.SHADING,
}
"""The hint that names a fault. Nobody looks for the others: the gate refuses spikes, and
registers that begin anew are told from their readings."""

SHARED = 0.5
"""Share of the shorter of both times in which hint and fault must agree."""


@dataclass(frozen=True)
class Score:
    """Hints that are right and wrong, faults that are found and missed."""

    right: int = 0
    wrong: int = 0
    found: int = 0
    missed: int = 0

    def __add__(self, other: "Score") -> "Score":
        """Add up two counts."""
        return Score(
            self.right + other.right,
            self.wrong + other.wrong,
            self.found + other.found,
            self.missed + other.missed,
        )

    @property
    def precision(self) -> float:
        """Share of the hints that are right, 1 without hints."""
        total = self.right + self.wrong
        return self.right / total if total else 1.0

    @property
    def recall(self) -> float:
        """Share of the faults that are found, 1 without faults."""
        total = self.found + self.missed
        return self.found / total if total else 1.0


def score(
    faults: Iterable[Planted], hints: Iterable[Hint], *, least: float = 0.5
) -> tuple[dict[HintKind, Score], list[Planted], list[Hint]]:
    """Compare hints with the truth.

    Parameters
    ----------
    faults : iterable of Planted
    hints : iterable of Hint
    least : float
        Least confidence of a hint that counts.

    Returns
    -------
    scores : dict of HintKind to Score
        A hint is right if a fault of its kind and point shares half of the shorter time
        with it.
    missed : list of Planted
        Faults without a hint.
    wrong : list of Hint
        Hints without a fault.
    """
    wanted = [fault for fault in faults if fault.kind in SAME]
    given = [hint for hint in hints if hint.confidence >= least]
    scores = {kind: Score() for kind in SAME.values()}
    missed, wrong = [], []
    for hint in given:
        if hint.kind not in scores:
            continue
        right = any(agree(fault, hint) for fault in wanted)
        scores[hint.kind] += Score(right=int(right), wrong=int(not right))
        if not right:
            wrong.append(hint)
    for fault in wanted:
        found = any(agree(fault, hint) for hint in given)
        scores[SAME[fault.kind]] += Score(found=int(found), missed=int(not found))
        if not found:
            missed.append(fault)
    return scores, missed, wrong


def agree(fault: Planted, hint: Hint) -> bool:
    """Say whether a hint names a fault."""
    if SAME.get(fault.kind) is not hint.kind or fault.point != hint.point:
        return False
    shared = min(fault.end, hint.end) - max(fault.start, hint.start)
    shorter = min(fault.end - fault.start, hint.end - hint.start)
    return shared > 0 and shared >= SHARED * shorter


def table(scores: Mapping[HintKind, Score]) -> str:
    """Return scores as lines of text."""
    lines = [f"{'kind':<10}{'right':>7}{'wrong':>7}{'found':>7}{'missed':>7}  prec. recall"]
    for kind, one in scores.items():
        lines.append(
            f"{kind.value:<10}{one.right:>7}{one.wrong:>7}{one.found:>7}{one.missed:>7}"
            f"{one.precision:>7.2f}{one.recall:>7.2f}"
        )
    return "\n".join(lines)
