"""Traces go out when the standard variables ask for them, and only then."""

from __future__ import annotations

import http.server
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from allowlist.observe.traces import are_wanted, span, traced
from tests.helpers.cli import allowlist
from tests.helpers.world import contoso_world


@contextmanager
def collector(authority: trustme.CA | None = None) -> Iterator[tuple[str, list[Any]]]:
    """An OTLP/HTTP collector on this machine, over TLS with ``authority``, and the spans it was sent."""
    spans: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            import gzip

            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                names = {item.key: item.value.string_value for item in resource.resource.attributes}
                for scope in resource.scope_spans:
                    spans.extend((names.get("service.name"), item) for item in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{'https://localhost' if authority else 'http://127.0.0.1'}:{server.server_port}", spans
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, False),
    ],
)
def test_the_standard_variables_decide(environ: dict[str, str], wanted: bool) -> None:
    assert are_wanted(environ) is wanted


def test_a_command_sends_one_trace_with_its_arm_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (url, spans), contoso_world(tmp_path) as world:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        common = ["--workload", world.workload, "--arm-endpoint", world.running.url, "--credential", "none"]
        assert allowlist("check", *common).code == 0
        asked = len(world.simulator.requests)
    assert len({item.trace_id for _, item in spans}) == 1
    assert {service for service, _ in spans} == {"allowlist"}
    assert sum(item.name == "ARM GET" for _, item in spans) == asked > 0
    (root,) = [item for _, item in spans if not item.parent_span_id]
    assert root.name == "allowlist"


def test_spans_of_other_threads_hang_below_the_run() -> None:
    with collector() as (url, spans):
        environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{url}/v1/traces", "OTEL_SERVICE_NAME": "fleet"}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            with traced("run", environ, "1", print):
                thread = threading.Thread(target=_one_span)
                thread.start()
                thread.join()
    by_name = {item.name: item for _, item in spans}
    assert by_name["step"].parent_span_id == by_name["run"].span_id
    assert {service for service, _ in spans} == {"fleet"}
    assert "hunter2hunter2" not in str(by_name["step"])


def _one_span() -> None:
    with span("step", place="postgresql://u:hunter2hunter2@db/x"):
        pass


def test_the_collector_is_trusted_like_everything_else_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA(organization_name="Contoso inspection")
    ours, another = tmp_path / "ours.pem", tmp_path / "another.pem"
    authority.cert_pem.write_to_path(str(ours))
    trustme.CA().cert_pem.write_to_path(str(another))
    monkeypatch.setenv("SSL_CERT_FILE", str(another))
    with collector(authority) as (url, spans):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        told = allowlist("catalog", "list")
        assert told.code == 0
        assert "O=Contoso inspection, is not trusted" in told.err
        assert told.err.count("is not trusted") == 1
        assert spans == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ours))
        assert "traces" not in allowlist("catalog", "list").err
        assert len(spans) == 1
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(ours))
        monkeypatch.setenv("NO_PROXY", "localhost")
        assert "traces" not in allowlist("catalog", "list").err
        assert len(spans) == 2
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_CERTIFICATE")
        assert "traces" not in allowlist("check", "--ca-file", ours).err
        assert len(spans) == 3


def test_nothing_is_loaded_or_sent_unless_asked_for(tmp_path: Path) -> None:
    with traced("run", {}, "1", pytest.fail), span("step"):
        pass


def test_missing_packages_are_told_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    told: list[str] = []
    with traced("run", {"OTEL_TRACES_EXPORTER": "otlp"}, "1", told.append), span("step"):
        pass
    assert "allowlist[telemetry]" in told[0]
