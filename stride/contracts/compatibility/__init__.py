"""Whether readers and writers of an event's revisions understand each other: FULL_TRANSITIVE.

Pure functions on JSON Schemas as Pydantic generates them. `reading.breaches` judges one reader and
one writer; `history.broken` judges a model against every revision that was ever published, both
ways. The judge is careful: what it can't prove to be read, it reports. What a validator checks
beyond its schema is not seen here; golden examples hold that.
"""

from stride.contracts.compatibility.history import Broken, broken
from stride.contracts.compatibility.pairs import Breach
from stride.contracts.compatibility.reading import breaches

__all__ = ["Breach", "Broken", "breaches", "broken"]
