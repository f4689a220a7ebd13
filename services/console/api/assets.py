"""Style sheets: the console's own, and that of the charts. Nothing comes from another host."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.console.api.desk import Desk
from shared.charts import STYLE

_FOLDER: Final = Path(__file__).parent / "assets"
_FILES: Final = {"console.css": (_FOLDER / "console.css").read_text(encoding="utf-8"), "charts.css": STYLE}


def add_routes(desk: Desk, app: FastAPI) -> None:
    """Serve the files; their address has a digest, so that a browser need not ask twice."""
    desk.templates.filters["asset"] = address

    @app.get("/assets/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        if name not in _FILES:
            raise HTTPException(404)
        return Response(_FILES[name], media_type="text/css", headers={"cache-control": "max-age=31536000, immutable"})


def address(name: str) -> str:
    """Where a page finds the file."""
    return f"/assets/{name}?{sha256(_FILES[name].encode()).hexdigest()[:12]}"
