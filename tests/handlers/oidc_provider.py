"""A small real OpenID Connect provider, run as a process of its own: `python -m tests.handlers.oidc_provider PORT`.

Everybody who comes is let in at once; `POST /as` says as whom, and which rules its tokens break.
"""

import hashlib
import secrets
import sys
import time
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 0
ISSUER = f"http://127.0.0.1:{PORT}"
CLIENT = "stride-console"

app = FastAPI()
keys = {kid: ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}) for kid in ("known", "unknown")}
issued: dict[str, dict[str, str]] = {}
claims: dict[str, Any] = {}


@app.get("/.well-known/openid-configuration")
async def about() -> dict[str, str]:
    ways = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
    return {"issuer": ISSUER, **{name: ISSUER + path for name, path in ways.items()}}


@app.get("/keys")
async def public_keys() -> dict[str, Any]:
    return {"keys": [keys["known"].as_dict(private=False)]}


@app.post("/as")
async def set_claims(request: Request) -> dict[str, Any]:
    claims.clear()
    claims.update(await request.json())
    return claims


@app.get("/authorize")
async def authorize(request: Request) -> Response:
    asked = dict(request.query_params)
    if asked.get("client_id") != CLIENT or asked.get("code_challenge_method") != "S256":
        return JSONResponse({"error": "invalid_request"}, 400)
    code = secrets.token_urlsafe(16)
    issued[code] = asked
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)


@app.post("/token")
async def token(request: Request) -> Response:
    form = dict(parse_qsl((await request.body()).decode()))
    asked = issued.pop(form.get("code", ""), None)
    verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    if asked is None or urlsafe_b64encode(verifier).rstrip(b"=").decode() != asked["code_challenge"]:
        return JSONResponse({"error": "invalid_grant"}, 400)
    now = int(time.time())
    told = {"iss": ISSUER, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300, "nonce": asked["nonce"], **claims}
    kid = str(told.pop("signed_by", "known"))
    return JSONResponse({"id_token": jwt.encode({"alg": "ES256", "kid": "known"}, told, keys[kid])})


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error")
