import json
import logging

import structlog
from prometheus_client import generate_latest

from worker import logs, metrics
from worker.health import Health, Reason


def test_scrub_url__credentials_path_and_query__gone():
    assert logs.scrub_url("https://me:pw@rpc.example:8545/v3/abc?key=1#x") == (
        "https://rpc.example:8545"
    )
    assert logs.scrub_url("http://[::1]:8545/x") == "http://[::1]:8545"
    assert logs.scrub_url("nonsense") == "(malformed URL)"


def test_scrub__text_with_a_url_and_controls__one_clean_line():
    text = "at wss://node.example/secret: \x1b[31mbad\nnews\u202e"
    assert logs.scrub(text) == "at wss://node.example ?[31mbad?news?"


def test_clean__secret_names__masked_also_inside():
    event = {"event": "x", "password": "p", "args": {"api_key": "k", "n": 1}, "raw": b"\1"}
    assert logs.clean(None, "info", event) == {
        "event": "x",
        "password": "***",
        "args": {"api_key": "***", "n": 1},
        "raw": "0x01",
    }


def test_configure__json__one_object_a_line_from_us_and_from_libraries(capsys):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.configure("json")
        structlog.get_logger("ours").info("scan", url="http://n/key", job=7)
        logging.getLogger("aiohttp").warning("http://n/key\nforged")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()

    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["url"], ours["job"], ours["level"]) == (
        "scan",
        "http://n",
        7,
        "info",
    )
    assert theirs["event"] == "http://n?forged" or theirs["event"] == "http://n"


def test_health__reasons_come_and_go__ready_when_none_is_left():
    health = Health()
    assert list(health.reasons) == [Reason.STARTING] and not health.is_ready
    health.report(Reason.STARTING, False)
    assert health.is_ready
    health.report(Reason.GAS_MONEY, True, "0 wei")
    assert health.reasons == {Reason.GAS_MONEY: "0 wei"} and not health.is_ready


def test_metrics__registry__names_are_unique_and_ours():
    metrics.batches_total.labels("paid").inc()

    assert b'worker_batches_total{outcome="paid"}' in generate_latest()
