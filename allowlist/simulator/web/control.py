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
    """``requests`` (GET, with ``?summary`` only the counts; DELETE), ``seed`` (POST),
    ``faults`` and ``denied`` (GET, POST a JSON list of texts, DELETE).
    """
    return [
        Route("/simulator/requests", _requests(simulator), methods=["GET", "DELETE"]),
        Route("/simulator/faults", _faults(simulator), methods=["GET", "POST", "DELETE"]),
        Route("/simulator/denied", _denied(simulator), methods=["GET", "POST", "DELETE"]),
        Route("/simulator/seed", _seed(simulator), methods=["POST"]),
    ]


def _requests(simulator: Simulator) -> Handler:
    async def handle(web_request: WebRequest) -> Response:
        log = simulator.requests
        if web_request.method == "DELETE":
            log.clear()
        summary = {
            "count": len(log),
            "bySubscription": log.count_by_subscription(),
            "byOperation": log.count_by_operation(),
            "actions": sorted(log.actions()),
        }
        if "summary" in web_request.query_params:
            return JSONResponse(summary)
        return JSONResponse({**summary, "requests": log.as_data()})

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


def _denied(simulator: Simulator) -> Handler:
    async def handle(web_request: WebRequest) -> Response:
        if web_request.method == "DELETE":
            simulator.allow_all()
        if web_request.method == "POST":
            simulator.deny(*await web_request.json())
        return JSONResponse({"inForce": simulator.denied})

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
