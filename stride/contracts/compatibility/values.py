"""A single value that a writer may write (a constant, a member of an enumeration): does the reader take it?"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from stride.contracts.compatibility.pairs import Breach, Pair, Schema
from stride.contracts.compatibility.types import listed, same, type_of, values_of


def rule(pair: Pair) -> Iterator[Breach | Pair]:
    """Among the reader's values if it names any; else of its type and within its limits."""
    value = pair.writer["const"]
    known = values_of(pair.reader)
    if known is None:
        yield replace(pair, writer=narrowest(value, pair.reader))
    elif not any(same(value, other) for other in known):
        yield pair.breach("choice", f"{value!r} may be written, and the reader knows {listed(known)} only")


def narrowest(value: Any, reader: Schema) -> Schema:
    """A schema that holds little more than `value`, in the reader's words. Structured values stay wide."""
    schema: dict[str, Any] = {"type": type_of(value)}
    if schema["type"] in ("integer", "number"):
        schema |= {"minimum": value, "maximum": value}
        if "multipleOf" in reader and value % reader["multipleOf"] == 0:
            schema["multipleOf"] = reader["multipleOf"]
    if isinstance(value, str):
        schema |= {"minLength": len(value), "maxLength": len(value)}
        if "pattern" in reader and re.search(reader["pattern"], value):
            schema["pattern"] = reader["pattern"]
    return schema
