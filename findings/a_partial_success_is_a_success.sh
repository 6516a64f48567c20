#!/usr/bin/env bash
# opentelemetry-exporter-otlp-proto-http 1.45.2: what a collector says it refused is thrown away, and the export succeeds.
#
# Guess: an answer with partial_success (so many data points rejected, and why) is a failure, or at least a warning in
#        the log: the protocol has the field so that somebody reads it.
# Seen:  metrics and spans: SUCCESS, and not one line is logged at any level; the body of the answer is never parsed.
# Why:   a gauge "requirements that are not covered" which the collector drops (a limit, a name it does not take) looks
#        like one that arrived; an alert on it is silent for ever. An alert needs a rule for "no data" beside it.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check opentelemetry-exporter-otlp-proto-http==1.45.2
"$place/env/bin/python" - <<'PYTHON'
import logging, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

ANSWERS = {
    "/v1/metrics": metrics.ExportMetricsServiceResponse(
        partial_success=metrics.ExportMetricsPartialSuccess(rejected_data_points=1, error_message="over the limit")),
    "/v1/traces": traces.ExportTraceServiceResponse(
        partial_success=traces.ExportTracePartialSuccess(rejected_spans=1, error_message="over the limit")),
}
asked = []


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        asked.append(self.path)
        body = ANSWERS[self.path].SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Kept(logging.Handler):
    lines = []

    def emit(self, record):
        if record.name.startswith("opentelemetry"):
            self.lines.append(record.getMessage())


server = HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
logging.basicConfig(level=logging.DEBUG, handlers=[Kept()])
base = f"http://127.0.0.1:{server.server_port}"
reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
MeterProvider([reader]).get_meter("x").create_gauge("missing").set(1)
tracer = TracerProvider()
tracer.add_span_processor(SimpleSpanProcessor(spans))
tracer.get_tracer("x").start_span("check").end()
results = [
    OTLPMetricExporter(f"{base}/v1/metrics").export(reader.get_metrics_data()).name,
    OTLPSpanExporter(f"{base}/v1/traces").export(spans.get_finished_spans()).name,
]
said = [line for line in Kept.lines if "limit" in line or "partial" in line.lower() or "reject" in line.lower()]
print(f"opentelemetry-exporter-otlp-proto-http {version('opentelemetry-exporter-otlp-proto-http')}: {asked} answered",
      f"with rejected items, result {results}, lines in the log about it: {len(said)}")
sys.exit(results != ["SUCCESS", "SUCCESS"] or bool(said) or asked != ["/v1/metrics", "/v1/traces"])
PYTHON
