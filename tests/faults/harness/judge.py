"""The ledger: what the writer intended, against what tables and topics show."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate

Sequences = Mapping[str, Sequence[int]]
"""Per key, the numbers in the order in which they stand."""

SOURCE = 1_000_000
"""Each source of a key's events counts from a multiple of this; order holds within a source."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found when all was quiet."""

    effects: Sequences
    """Of the table, in order of application; what was applied twice stands there twice."""
    published: Mapping[str, Sequence[tuple[str, int]]]
    """Of the output topic, in order of the log: (event id, number), re-sent records included."""
    parked: Sequences = field(default_factory=dict[str, list[int]])
    stale: int = 0
    """Effects that took a place in their key's count which another took too."""


@dataclass(slots=True)
class Verdict:
    """What one fault cost. `lost`, `duplicated` and `out_of_order` count events, each once."""

    fault: str
    seed: int
    sent: int = 0
    kills: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    resent: int = 0
    """Records that stand more than once on the log under one id: allowed, readers' inboxes absorb them."""
    parked: int = 0
    seconds: float = 0.0
    problem: str = ""

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing twice, in order, and nothing else wrong."""
        return not (self.lost or self.duplicated or self.out_of_order or self.problem)

    def add(self, lane: "Verdict") -> None:
        """Take in what a lane of the same fault cost; its kills are counted already."""
        for name in ("sent", "lost", "duplicated", "out_of_order", "resent", "parked"):
            setattr(self, name, getattr(self, name) + getattr(lane, name))
        self.problem = self.problem or lane.problem

    def as_json(self) -> dict[str, object]:
        """For `make faults ARGS="--json"`."""
        return {**asdict(self), "clean": self.clean}


def judge(verdict: Verdict, intended: Sequences, observed: Observed) -> None:
    """Fill in what `observed` lacks, repeats or turns round. Parked events are not lost: they are kept in order."""
    effects, published = observed.effects, _numbers(observed.published)
    wanted, parked = _pairs(intended), _pairs(observed.parked)
    verdict.sent = len(wanted)
    verdict.parked = len(parked)
    verdict.lost = len(wanted - parked - (_pairs(effects) & _pairs(published)))
    verdict.duplicated = len(_more_than_once(effects) | _under_two_ids(observed.published))
    verdict.out_of_order = len(_turned(effects) | _turned(published))
    verdict.resent = sum(len(records) - len(set(records)) for records in observed.published.values())
    if invented := (_pairs(effects) | _pairs(published)) - wanted:
        verdict.problem = f"{len(invented)} effects that nobody intended, such as {min(invented)}"
    if observed.stale:
        verdict.problem = f"{observed.stale} effects were decided on a stale state"


def _pairs(sequences: Sequences) -> set[tuple[str, int]]:
    return {(key, number) for key, numbers in sequences.items() for number in numbers}


def _numbers(published: Mapping[str, Sequence[tuple[str, int]]]) -> dict[str, list[int]]:
    """In order of first occurrence: a reader takes the first and knows the others."""
    return {key: [number for _, number in dict.fromkeys(records)] for key, records in published.items()}


def _more_than_once(effects: Sequences) -> set[tuple[str, int]]:
    counted = Counter((key, number) for key, numbers in effects.items() for number in numbers)
    return {pair for pair, times in counted.items() if times > 1}


def _under_two_ids(published: Mapping[str, Iterable[tuple[str, int]]]) -> set[tuple[str, int]]:
    return _more_than_once({key: [number for _, number in set(records)] for key, records in published.items()})


def _turned(sequences: Sequences) -> set[tuple[str, int]]:
    """Those that stand behind a later one of their key. A repeat is no turn: only first occurrences count."""
    sources: dict[tuple[str, int], dict[int, None]] = defaultdict(dict)
    for key, numbers in sequences.items():
        for number in numbers:
            sources[key, number // SOURCE].setdefault(number)
    return {
        (key, number)
        for (key, _), firsts in sources.items()
        for number, highest in zip(firsts, accumulate(firsts, max), strict=True)
        if number < highest
    }
