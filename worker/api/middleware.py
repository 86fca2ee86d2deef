"""What every answer has in common: JSON errors, safe headers, one log line, no stack trace."""

import logging
import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

log = logging.getLogger(__name__)

_HEADERS = {
    "Server": "proofmesh",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
}
_BROWSER_HEADERS = ("Origin", "Referer")
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Refusal(Exception):
    """Ends a request with a status, a stable code and words for a person."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def new_app(*extra: Middleware) -> web.Application:
    """Return an application whose answers all pass through this file."""
    app = web.Application(middlewares=[_answer, *extra], client_max_size=1 << 14)
    app.on_response_prepare.append(_add_headers)
    return app


@web.middleware
async def loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a web page in a local browser sends, under its own name or one it rebound."""
    name = request.host.rpartition(":")[0] or request.host
    if name not in _LOOPBACK_NAMES and request.host not in _LOOPBACK_NAMES:
        raise Refusal(403, "wrong_host", "ask for localhost or 127.0.0.1")
    if any(header in request.headers for header in _BROWSER_HEADERS):
        raise Refusal(403, "from_a_page", "web pages may not ask this listener")
    return await handler(request)


@web.middleware
async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    began = time.monotonic()
    response = await _safely(request, handler)
    resource = request.match_info.route.resource
    log.info(
        "request",
        extra={
            "method": request.method,
            # The route, not the path: a stranger's text stays out of the log.
            "route": resource.canonical if resource else "unknown",
            "status": response.status,
            "peer": request.remote,
            "ms": round((time.monotonic() - began) * 1000, 1),
        },
    )
    return response


async def _safely(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return _error(refusal.status, refusal.code, str(refusal), refusal.headers)
    except web.HTTPException as error:
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _error(error.status, error.reason.lower().replace(" ", "_"), error.reason, allow)
    except ConnectionError:  # the peer has left; there is nobody to tell
        return _error(400, "cut_short", "the connection ended early", {})
    except Exception:
        log.exception("request failed")
        return _error(500, "internal", "the worker failed; its log says why", {})


def _error(status: int, code: str, message: str, headers: dict[str, str]) -> web.Response:
    body = {"error": code, "message": message}
    return web.json_response(body, status=status, headers=headers)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
