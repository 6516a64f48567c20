"""Sign-in: cloud metadata, OpenID configuration, instance discovery and tokens for any client id and secret.

Enough for azure-identity, the Azure command line with a registered cloud, and other SDKs; every
credential is accepted, nothing is verified.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request as WebRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from allowlist.simulator.arm.store import TENANT
from allowlist.simulator.simulator import Simulator

_TOKEN_SECONDS = 3_599
_CLIENT = "22222222-2222-2222-2222-222222222222"
_OBJECT = "33333333-3333-3333-3333-333333333333"

Handler = Callable[[WebRequest], Awaitable[Response]]


def identity_routes(simulator: Simulator) -> list[Route]:
    """Routes for ``/metadata``, ``/common/discovery`` and ``/{tenant}/…``, with and without v2.0."""
    configuration, token = _openid_configuration, _token(simulator)
    return [
        Route("/metadata/endpoints", _metadata),
        Route("/common/discovery/instance", _discovery),
        Route("/{tenant}/.well-known/openid-configuration", configuration),
        Route("/{tenant}/v2.0/.well-known/openid-configuration", configuration),
        Route("/{tenant}/oauth2/token", token, methods=["POST"]),
        Route("/{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
        Route("/{tenant}/discovery/keys", _keys),
        Route("/{tenant}/discovery/v2.0/keys", _keys),
    ]


def _base(web_request: WebRequest) -> str:
    return f"{web_request.url.scheme}://{web_request.headers.get('host') or web_request.url.netloc}"


async def _metadata(web_request: WebRequest) -> Response:
    """The cloud's endpoints: sparse up to 2018, a list of clouds from 2018, one cloud since 2022-09-01."""
    base, version = _base(web_request), web_request.query_params.get("api-version", "2015-01-01")
    if version < "2018-01-01":
        return JSONResponse(_old_metadata(base))
    return JSONResponse([_cloud(base)] if version < "2022-01-01" else _cloud(base))


def _old_metadata(base: str) -> dict[str, Any]:
    return {
        "galleryEndpoint": f"{base}/",
        "graphEndpoint": f"{base}/",
        "portalEndpoint": f"{base}/",
        "authentication": {"loginEndpoint": f"{base}/", "audiences": [base, f"{base}/"]},
    }


def _cloud(base: str) -> dict[str, Any]:
    host = base.split("://", 1)[1]
    suffixes = {
        "storage": f"core.{host}",
        "keyVaultDns": f"vault.{host}",
        "sqlServerHostname": f"database.{host}",
        "acrLoginServer": f"azurecr.{host}",
        "azureFrontDoorEndpointSuffix": f"azurefd.{host}",
    }
    endpoints = (
        "portal",
        "media",
        "graph",
        "graphAudience",
        "batch",
        "vmImageAliasDoc",
        "gallery",
        "sqlManagement",
    )
    return {
        **dict.fromkeys((*endpoints, "activeDirectoryDataLake", "microsoftGraphResourceId"), f"{base}/"),
        "name": "AllowlistSimulator",
        "resourceManager": f"{base}/",
        "authentication": {
            "loginEndpoint": f"{base}/",
            "audiences": [base, f"{base}/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": suffixes,
    }


async def _discovery(web_request: WebRequest) -> Response:
    base = _base(web_request)
    host = base.split("://", 1)[1]
    aliases = [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]
    endpoint = f"{base}/{TENANT}/v2.0/.well-known/openid-configuration"
    return JSONResponse({"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": aliases})


async def _openid_configuration(web_request: WebRequest) -> Response:
    base, tenant = _base(web_request), web_request.path_params["tenant"]
    version = "/v2.0" if "/v2.0/" in web_request.url.path else ""
    oauth = f"{base}/{tenant}/oauth2{version}"
    return JSONResponse(
        {
            "issuer": f"{base}/{tenant}{version}",
            "authorization_endpoint": f"{oauth}/authorize",
            "token_endpoint": f"{oauth}/token",
            "device_authorization_endpoint": f"{oauth}/devicecode",
            "jwks_uri": f"{base}/{tenant}/discovery{version}/keys",
            "response_types_supported": ["code", "id_token", "code id_token", "token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
            ],
            "tenant_region_scope": "WW",
            "cloud_instance_name": base.split("://", 1)[1],
        }
    )


async def _keys(web_request: WebRequest) -> Response:
    return JSONResponse({"keys": []})


def _token(simulator: Simulator) -> Handler:
    async def handle(web_request: WebRequest) -> Response:
        form = {name: values[0] for name, values in parse_qs((await web_request.body()).decode()).items()}
        if "grant_type" not in form:
            problem = {"error": "invalid_request", "error_description": "the form lacks grant_type"}
            return JSONResponse(problem, status_code=400)
        now = int(simulator.clock())
        return JSONResponse(_token_answer(_base(web_request), web_request.path_params["tenant"], form, now))

    return handle


def _token_answer(base: str, tenant: str, form: dict[str, str], now: int) -> dict[str, Any]:
    audience = form.get("resource") or form.get("scope", base).split(" ")[0].removesuffix("/.default")
    claims = {
        "aud": audience,
        "iss": f"{base}/{tenant}/",
        "iat": now,
        "nbf": now,
        "exp": now + _TOKEN_SECONDS,
        "appid": form.get("client_id", _CLIENT),
        "oid": _OBJECT,
        "sub": _OBJECT,
        "tid": tenant if tenant not in ("common", "organizations") else TENANT,
        "idtyp": "app",
        "ver": "1.0",
    }
    return {
        "token_type": "Bearer",
        "expires_in": _TOKEN_SECONDS,
        "ext_expires_in": _TOKEN_SECONDS,
        "expires_on": str(now + _TOKEN_SECONDS),
        "resource": audience,
        "access_token": _unsigned_jwt(claims),
    }


def _unsigned_jwt(claims: dict[str, Any]) -> str:
    """Shaped like a token so that clients can read its claims; the signature is no signature."""
    header = {"typ": "JWT", "alg": "none"}
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), b"simulated")
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
