"""Whether a reader reads all that a writer may write; the rules for each kind of thing are beside this file."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from stride.contracts.compatibility import limits, lists, objects, types, unions, values
from stride.contracts.compatibility.pairs import Breach, Pair, Schema

Rule = Callable[[Pair], Iterator[Breach | Pair]]

RULES: Sequence[Rule] = (types.rule, limits.rule, lists.rule, objects.rule, types.unjudged)
"""Each gives what is wrong here, and the pairs further down that are to be judged."""


def breaches(reader: Schema, writer: Schema) -> list[Breach]:
    """Where a reader of the schema `reader` can't read what a writer of the schema `writer` may write.

    A writer writes the fields that it declares and no others; a reader ignores those it does not know.
    """
    return sorted(set(_judge(Pair(reader, writer, reader, writer))))


def _judge(pair: Pair) -> Iterator[Breach]:
    here = pair.resolved()
    if here is None:
        return
    for part in (written := unions.parts(here.writer) or unions.members(here.writer)):
        yield from _judge(here.at("", here.reader, part))
    if written:
        return
    if unions.parts(here.reader):
        yield from _choose(here)
    else:
        rules = (values.rule,) if "const" in here.writer else RULES
        yield from _each(found for rule in rules for found in rule(here))


def _each(judged: Iterable[Breach | Pair]) -> Iterator[Breach]:
    for found in judged:
        yield from (found,) if isinstance(found, Breach) else _judge(found)


def _choose(pair: Pair) -> Iterator[Breach]:
    """One of the reader's alternatives must read all of it; else the nearest one says why not."""
    tagged = unions.by_tag(pair)
    if tagged is not None:
        yield from _each(tagged)
    else:
        alternatives = unions.parts(pair.reader)
        yield from min((list(_judge(pair.at("", one, pair.writer))) for one in alternatives), key=_distance)


def _distance(found: Sequence[Breach]) -> tuple[int, int]:
    """An alternative of another type is further away than one with another limit."""
    return sum(breach.kind == "type" for breach in found), len(found)
