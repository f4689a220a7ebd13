"""Style sheets and scripts: the console's own, the charts', and htmx as it came from npm. Nothing from another host."""

from base64 import b64encode
from hashlib import sha256, sha384
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.console.api.calendar.grid import style
from shared.charts import PAGE_STYLE

_FOLDER: Final = Path(__file__).parent / "assets"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES: Final = {
    path.name: path.read_bytes()
    for folder in (_FOLDER, _FOLDER / "vendor")
    for path in sorted(folder.iterdir())
    if path.suffix in _TYPES
}
_FILES["charts.css"] = PAGE_STYLE.encode()
_FILES["calendar.css"] += style().encode()


def add_routes(app: FastAPI) -> None:
    """Serve the files; their address has a digest, so that a browser need not ask twice."""

    @app.get("/assets/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        if name not in _FILES:
            raise HTTPException(404)
        kind = _TYPES[Path(name).suffix]
        return Response(_FILES[name], media_type=kind, headers={"cache-control": "public, max-age=31536000, immutable"})


def address(name: str) -> str:
    """Where a page finds the file."""
    return f"/assets/{name}?{sha256(_FILES[name]).hexdigest()[:12]}"


def integrity(name: str) -> str:
    """What a browser checks the file against before it runs it."""
    return f"sha384-{b64encode(sha384(_FILES[name]).digest()).decode()}"
