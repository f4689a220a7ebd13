"""Documents generated from the flow map and the event models: schemas, AsyncAPI, the diagram.

`stride contracts write` makes them; `stride contracts check` (part of `make check`) fails when one
no longer agrees with the code, or when a model breaks what was published.
"""

from pathlib import Path

from shared.settings import ROOT
from stride.contracts import asyncapi, diagram, schemas


def rendered(root: Path = ROOT) -> dict[Path, str]:
    """Every generated document by its path: what its file should hold.

    Raises:
        HistoryDamaged: published schemas are missing or unreadable.
    """
    numbers = schemas.newest(schemas.published(root))
    documents = {root / path: content for path, content in schemas.documents(numbers).items()}
    documents[root / "docs" / "contracts" / "asyncapi.json"] = asyncapi.document(numbers)
    readme = root / "README.md"
    documents[readme] = diagram.embedded_in(readme.read_text(encoding="utf-8"))
    return documents


def problems(root: Path = ROOT) -> list[str]:
    """What the models break of what was published; nothing may be written before that is mended."""
    try:
        return schemas.problems(schemas.published(root))
    except schemas.HistoryDamaged as damage:
        return [str(damage)]


def write(root: Path = ROOT) -> list[Path]:
    """Write what is missing or stale; returns those paths. To be asked only where there are no `problems`."""
    changed = stale(root)
    content = rendered(root)
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content[path], encoding="utf-8")
    return changed


def stale(root: Path = ROOT) -> list[Path]:
    """Paths whose file does not hold what the code says."""
    expected = rendered(root)
    return sorted(path for path, content in expected.items() if not path.exists() or path.read_text() != content)
