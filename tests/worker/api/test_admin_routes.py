"""The admin listener, and what both listeners have in common."""

import asyncio
import logging
import socket

import pytest
from aiohttp import ClientConnectorError, ClientSession
from pydantic import ValidationError

from worker.api.config import ApiConfig
from worker.api.server import ApiServer
from worker.errors import ConfigError


async def test_livez__running__is_200(admin):
    async with admin.get("/livez") as response:
        assert (response.status, await response.json()) == (200, {"alive": True})


async def test_readyz__no_reason__is_200(admin):
    async with admin.get("/readyz") as response:
        assert (response.status, await response.json()) == (200, {"ready": True, "reasons": {}})


async def test_readyz__reasons__is_503_and_lists_them(admin, node):
    node.reasons["rpc_stale"] = "no new block for 60 s"

    async with admin.get("/readyz") as response:
        assert response.status == 503
        assert await response.json() == {
            "ready": False,
            "reasons": {"rpc_stale": "no new block for 60 s"},
        }


async def test_metrics__scraped__is_prometheus_text(admin):
    async with admin.get("/metrics") as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        assert "jobs_done_total 1.0" in await response.text()


async def test_status__asked__is_json(admin):
    async with admin.get("/status") as response:
        assert await response.json() == {"operator": 7}


async def test_status__fails__shows_no_trace(admin, node, caplog):
    node.broken = True

    async with admin.get("/status") as response:
        text = await response.text()

    assert response.status == 500
    assert '"internal"' in text
    assert "secret" not in text
    assert "RuntimeError: secret inside" in caplog.text


async def test_admin__other_host_name__is_refused(admin):
    async with admin.get("/status", headers={"Host": "evil.example:8441"}) as response:
        assert response.status == 403
        assert (await response.json())["error"] == "wrong_host"
    async with admin.get("/livez", headers={"Host": "localhost:1"}) as response:
        assert response.status == 200


@pytest.mark.parametrize("header", ["Origin", "Referer"])
async def test_drain__from_a_web_page__is_refused(admin, node, header):
    async with admin.post("/drain", headers={header: "http://evil.example"}) as response:
        assert response.status == 403
        assert (await response.json())["error"] == "from_a_page"
    assert node.drains == 0


async def test_drain__asked_twice__asks_the_worker(admin, node):
    for _ in range(2):
        async with admin.post("/drain") as response:
            assert (response.status, await response.json()) == (202, {"draining": True})
    assert node.drains == 2


async def test_drain__get__is_405_and_drains_nothing(admin, node):
    async with admin.get("/drain") as response:
        assert response.status == 405
    assert node.drains == 0


async def test_public__admin_routes__are_not_there(web):
    for path in ("/livez", "/readyz", "/metrics", "/status", "/drain"):
        method = "POST" if path == "/drain" else "GET"
        async with web.request(method, path) as response:
            assert response.status == 404
            assert (await response.json())["error"] == "not_found"


async def test_any__answer__has_safe_headers_and_no_cors(web):
    async with web.get("/nothing", headers={"Origin": "http://evil.example"}) as response:
        headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "proofmesh"
    assert not [name for name in headers if name.startswith("Access-Control")]


async def test_any__wrong_method__is_405_with_allow(admin):
    async with admin.post("/livez") as response:
        assert response.status == 405
        assert "GET" in response.headers["Allow"]


async def test_log__request_with_secrets__names_the_route_only(web, caplog):
    with caplog.at_level(logging.INFO, logger="worker.api"):
        async with web.get(
            f"/blobs/{'ab' * 32}?token=hidden", headers={"Authorization": "hidden"}
        ) as response:
            await response.read()

    record = caplog.records[-1]
    assert (record.route, record.status) == ("/blobs/{sha256}", 404)
    assert "hidden" not in str(record.__dict__)


@pytest.mark.parametrize("name", ["public", "admin"])
async def test_start__port_in_use__says_which_and_frees_the_other(name):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"public_port": 0, "admin_port": 0, f"{name}_port": port}
        server = ApiServer(ApiConfig(**ports), [], [])

        with pytest.raises(
            ConfigError, match=rf"{name} API.*127\.0\.0\.1:{port}.*in use.*api\.{name}_port"
        ):
            await server.__aenter__()


def test_config__host_for_admin__is_refused():
    with pytest.raises(ValidationError, match="admin_host"):
        ApiConfig(admin_host="0.0.0.0")


async def test_admin__public_on_all_addresses__stays_on_loopback():
    config = ApiConfig(public_host="0.0.0.0", public_port=0, admin_port=0)
    async with ApiServer(config, [], []) as server, ClientSession() as session:
        for port, is_there in ((server.public_port, True), (server.admin_port, False)):
            try:
                async with session.get(f"http://127.0.0.2:{port}/"):
                    answered = True
            except ClientConnectorError:
                answered = False
            assert answered is is_there


async def test_start__host_of_another_machine__is_a_config_error():
    server = ApiServer(ApiConfig(public_host="192.0.2.1", public_port=0, admin_port=0), [], [])

    with pytest.raises(ConfigError, match=r"public API: cannot listen on 192\.0\.2\.1:0"):
        await server.__aenter__()


async def test_close__twice__is_fine(server):
    await server.close()
    await server.close()


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"\x16\x03\x01\x02\0", b"GET /a b c\r\n\r\n"]
)
async def test_regression__malformed_request__leaves_no_trace_in_the_log(server, caplog, data):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.public_port)
    writer.write(data)
    answer = await reader.read(12)
    writer.close()

    assert answer.endswith(b" 400")
    assert not [record for record in caplog.records if record.exc_info]
