"""Signing in with a code that is entered elsewhere (RFC 8628), at Authlib's own endpoints for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import flask
import pytest
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from joserfc import jwt
from joserfc.jwk import RSAKey
from oidc_provider_mock import User, _app, _server
from oidc_provider_mock import _storage as memory

from allowlist.errors import AllowlistError
from allowlist.plan.model import Plan
from allowlist.store import Ledger
from allowlist_tui.review_page.oidc import Client, Provider
from allowlist_tui.review_page.sittings import Sittings
from tests.helpers.ledgers import opened
from tests.helpers.review_plan import review_plan
from tests.helpers.review_site import Desk, Time, browser, site_of, sites

pytestmark = pytest.mark.filterwarnings("ignore")
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class Codes:
    """What the provider remembers: codes that were given out, and who entered which."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.entered: dict[str, tuple[str, bool]] = {}
        self.asked = 0
        self.audience = ""

    def enter(self, sub: str, *, agrees: bool = True) -> None:
        """The person enters the last code that was given out."""
        self.entered[list(self.given.values())[-1]["user_code"]] = (sub, agrees)


def provider_app(codes: Codes) -> Any:
    """The mock provider with Authlib's device flow beside its own."""

    class Endpoint(DeviceAuthorizationEndpoint):  # type: ignore[misc]
        INTERVAL = 1

        def get_verification_uri(self) -> str:
            return f"{flask.request.host_url}enter"

        def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
            codes.given[data["device_code"]] = DeviceCredentialDict(
                data | {"client_id": client_id, "scope": scope, "expires_at": time.time() + 600}
            )

    class Grant(DeviceCodeGrant):  # type: ignore[misc]
        def query_device_credential(self, device_code: str) -> Any:
            codes.asked += 1
            return codes.given.get(device_code)

        def query_user_grant(self, user_code: str) -> Any:
            found = codes.entered.get(user_code)
            return (memory.storage.get_user(found[0]), found[1]) if found else None

        def should_slow_down(self, credential: Any) -> bool:
            return False

        def create_token_response(self) -> Any:
            status, token, headers = super().create_token_response()
            user, issuer = self.request.user, flask.request.host_url.rstrip("/")
            key = RSAKey.import_key(memory.storage.jwk.as_dict(is_private=True))
            claims = {"iss": issuer, "sub": user.sub, "aud": codes.audience or self.request.client.id}
            claims |= {"exp": int(time.time()) + 60, "iat": int(time.time())} | user.claims
            head = {"alg": "RS256", "kid": key.kid} if key.kid else {"alg": "RS256"}
            return status, token | {"id_token": jwt.encode(head, claims, key)}, headers

    app = _app.app(
        user_claims=[
            User(
                sub="1",
                claims={"preferred_username": "ann@contoso.example", "name": "Ann", "roles": ["approver"]},
            )
        ]
    )
    ready: list[bool] = []

    def register() -> None:
        if not ready:
            ready.append(True)
            _app.authorization.register_grant(Grant)
            _app.authorization.register_endpoint(Endpoint)

    def device() -> Any:
        return _app.authorization.create_endpoint_response(Endpoint.ENDPOINT_NAME)

    def token() -> Any:
        return _app.authorization.create_token_response()

    def discovery(answer: flask.Response) -> flask.Response:
        if flask.request.path.endswith("openid-configuration"):
            here = flask.request.host_url
            ours = {"device_authorization_endpoint": f"{here}device", "token_endpoint": f"{here}token"}
            answer.set_data(flask.json.dumps(answer.get_json() | ours))
        return answer

    app.before_request(register)
    app.add_url_rule("/device", view_func=device, methods=["POST"])
    app.add_url_rule("/token", view_func=token, methods=["POST"])
    app.after_request(discovery)
    return app


@pytest.fixture
def codes() -> Codes:
    return Codes()


@pytest.fixture
def provider(codes: Codes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    kinds = (*memory.Client.GRANT_TYPES_SUPPORTED, DEVICE)
    monkeypatch.setattr(memory.Client, "GRANT_TYPES_SUPPORTED", kinds)
    with ExitStack() as stack:
        server = stack.enter_context(_server._threaded_server(provider_app(codes)))
        issuer = f"http://localhost:{server.server_port}"
        yield Provider(
            Client(issuer=issuer, client_id="allowlist", secret="s", roles=("approver",), by_device=True)
        )


@pytest.fixture
def ledger(tmp_path: Any) -> Iterator[Ledger]:
    with sites(), opened(f"sqlite:///{tmp_path}/ledger.db") as found:
        yield found


@pytest.fixture
def plan() -> Plan:
    return review_plan()


def test_who_enters_the_code_elsewhere_decides_as_oneself_in_the_browser_that_showed_it(
    plan: Plan, ledger: Ledger, provider: Provider, codes: Codes
) -> None:
    clock = Time()
    site = site_of(plan, ledger, clock, provider)
    mine, other = browser(site), browser(site)
    shown = mine.get("/")
    user_code = next(iter(codes.given.values()))["user_code"]
    assert user_code in shown.text
    assert f"{provider.client.issuer}/enter" in shown.text
    assert mine.get("/device").status_code == 202
    codes.enter("1")
    assert mine.get("/device").status_code == 202, "the provider said how often it may be asked"
    assert codes.asked == 1
    assert other.get("/device").status_code == 403, "whoever did not begin it gets nothing from it"
    clock.seconds += 2
    assert mine.get("/device").status_code == 200
    desk = Desk(mine)
    assert "ann@contoso.example, verified" in desk.page
    assert desk.decide(verdict="reject", changes=[plan.changes[0].id], reason="no").status_code == 200
    (said,) = ledger.decisions([plan.changes[0].digest])
    assert (said.who, said.identity) == ("ann@contoso.example", "verified")
    clock.seconds += 2
    assert mine.get("/device").status_code == 403, "a code works once"


def test_who_refuses_or_has_a_token_for_somebody_else_is_not_signed_in(
    plan: Plan, ledger: Ledger, provider: Provider, codes: Codes
) -> None:
    clock = Time()
    site = site_of(plan, ledger, clock, provider)
    client = browser(site)
    client.get("/sign-in")
    codes.enter("1", agrees=False)
    refused = client.get("/device")
    assert refused.status_code == 403
    assert "denied the request" in refused.text
    client.get("/sign-in")
    codes.audience = "another site"
    codes.enter("1")
    clock.seconds += 2
    strange = client.get("/device")
    assert strange.status_code == 403
    assert "not right" in strange.text
    client.get("/sign-in")
    clock.seconds += 601
    assert client.get("/device").status_code == 403, "a sign-in that was left lying"


def test_a_provider_without_device_codes_is_named(codes: Codes) -> None:
    with _server._threaded_server(_app.app()) as server:
        client = Client(
            issuer=f"http://localhost:{server.server_port}", client_id="allowlist", by_device=True
        )
        with pytest.raises(AllowlistError, match="names no device_authorization_endpoint"):
            Provider(client).begin_device()


def test_a_sign_in_is_kept_apart_from_any_other() -> None:
    found = Sittings(Time())
    assert found.sign_in_of("") is None
    assert found.end_sign_in("anything") is None
