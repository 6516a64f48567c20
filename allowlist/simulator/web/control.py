"""What ARM does not have: a look at the requests, the faults and the state, under ``/simulator``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request as WebRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from allowlist.errors import InvalidInput
from allowlist.simulator.simulator import Simulator

Handler = Callable[[WebRequest], Awaitable[Response]]


def control_routes(simulator: Simulator) -> list[Route]:
    """``requests`` (GET, DELETE), ``faults`` (GET, POST a JSON list of texts, DELETE), ``seed`` (POST)."""
    return [
        Route("/simulator/requests", _requests(simulator), methods=["GET", "DELETE"]),
        Route("/simulator/faults", _faults(simulator), methods=["GET", "POST", "DELETE"]),
        Route("/simulator/seed", _seed(simulator), methods=["POST"]),
    ]


def _requests(simulator: Simulator) -> Handler:
    async def handle(web_request: WebRequest) -> Response:
        log = simulator.requests
        if web_request.method == "DELETE":
            log.clear()
        summary = {"count": len(log), "bySubscription": log.count_by_subscription()}
        return JSONResponse({**summary, "actions": sorted(log.actions()), "requests": log.as_data()})

    return handle


def _faults(simulator: Simulator) -> Handler:
    async def handle(web_request: WebRequest) -> Response:
        if web_request.method == "DELETE":
            simulator.faults.clear()
        if web_request.method == "POST":
            for text in await web_request.json():
                simulator.inject(text)
        plan = simulator.faults
        return JSONResponse({"inForce": [str(each) for each in plan.faults], "injected": dict(plan.injected)})

    return _answering_mistakes(handle)


def _seed(simulator: Simulator) -> Handler:
    async def handle(web_request: WebRequest) -> Response:
        return JSONResponse({"resources": simulator.seed(await web_request.json())})

    return _answering_mistakes(handle)


def _answering_mistakes(handle: Handler) -> Handler:
    """A wrong document is answered with 400 and every mistake in it."""

    async def wrapped(web_request: WebRequest) -> Response:
        try:
            return await handle(web_request)
        except InvalidInput as error:
            return JSONResponse({"problems": [str(each) for each in error.problems]}, status_code=400)
        except ValueError as error:
            return JSONResponse({"problems": [f"the body is no JSON: {error}"]}, status_code=400)

    return wrapped
