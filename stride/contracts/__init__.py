"""Documents generated from the flow map and the event models: schemas, AsyncAPI, the diagram.

`stride contracts write` makes them, `stride contracts check` (part of `make check`) fails when
one no longer agrees with the code.
"""

from pathlib import Path

from shared.settings import ROOT
from stride.contracts import asyncapi, diagram, schemas


def rendered(root: Path = ROOT) -> dict[Path, str]:
    """Every generated document by its path: what its file should hold."""
    documents = {root / "docs" / "contracts" / name: content for name, content in schemas.documents().items()}
    documents[root / "docs" / "contracts" / "asyncapi.json"] = asyncapi.document()
    readme = root / "README.md"
    documents[readme] = diagram.embedded_in(readme.read_text(encoding="utf-8"))
    return documents


def write(root: Path = ROOT) -> list[Path]:
    """Write what is missing or stale; returns those paths."""
    changed = stale(root)
    content = rendered(root)
    for path in changed:
        if path in content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content[path], encoding="utf-8")
        else:
            path.unlink()
    return changed


def stale(root: Path = ROOT) -> list[Path]:
    """Paths whose file does not hold what the code says, or that no event stands behind any more."""
    expected = rendered(root)
    differing = [path for path, content in expected.items() if not path.exists() or path.read_text() != content]
    left_over = set((root / "docs" / "contracts" / "schemas").glob("*.json")) - set(expected)
    return sorted([*differing, *left_over])
