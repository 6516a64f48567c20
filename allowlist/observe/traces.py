"""OpenTelemetry traces, only where the standard environment variables ask for them.

One of ``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`` or ``OTEL_TRACES_EXPORTER`` (``otlp`` or
``console``) switches them on; ``OTEL_SDK_DISABLED=true`` or ``OTEL_TRACES_EXPORTER=none`` off. All other ``OTEL_*``
variables (headers, time-outs, sampler, service name, resource attributes) are read by the SDK itself
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). The collector is trusted like
everything else that is asked, unless ``OTEL_EXPORTER_OTLP_CERTIFICATE`` or its form for traces names certificates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from allowlist.observe.secrets import scrubbed

if TYPE_CHECKING:
    from requests import Session

_SWITCHES: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
)


class _State:
    """``tracer`` is None while nobody asked; ``root`` is the parent of spans begun in fresh threads."""

    tracer: Any = None
    root: Any = None


def are_wanted(environ: Mapping[str, str]) -> bool:
    """Do the standard variables ask for traces?"""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    return any(environ.get(name, "").strip() for name in _SWITCHES)


@contextmanager
def traced(
    name: str, environ: Mapping[str, str], version: str, warn: Callable[[str], None]
) -> Iterator[None]:
    """Trace what happens inside as one span ``name``, if wanted; sent at the end, whatever happens."""
    provider = _provider(environ, version, warn) if are_wanted(environ) else None
    if provider is None:
        yield
        return
    from allowlist.observe.telling import told

    _State.tracer = provider.get_tracer("allowlist", version)
    with told(warn):
        try:
            with span(name):
                yield
        finally:
            _State.tracer = _State.root = None
            provider.shutdown()


@contextmanager
def span(name: str, **attributes: str | int | float | bool) -> Iterator[None]:
    """A span around the with-block; without tracing, nothing at all. Attributes lose their secrets."""
    if _State.tracer is None:
        yield
        return
    from opentelemetry import trace

    orphan = not trace.get_current_span().get_span_context().is_valid
    context = trace.set_span_in_context(_State.root) if orphan and _State.root is not None else None
    with _State.tracer.start_as_current_span(name, context=context, attributes=scrubbed(attributes)) as made:
        if _State.root is None:
            _State.root = made
        yield


def _provider(environ: Mapping[str, str], version: str, warn: Callable[[str], None]) -> Any | None:
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = _exporter(environ)
    except ImportError:
        warn(
            "traces are asked for (OTEL_…), but OpenTelemetry is not installed: pip install 'allowlist[telemetry]'"
        )
        return None
    # The given attributes win over the environment in Resource.create, so the default name steps back.
    attributes = {"service.version": version}
    if not environ.get("OTEL_SERVICE_NAME"):
        attributes["service.name"] = "allowlist"
    provider = TracerProvider(resource=Resource.create(attributes))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _exporter(environ: Mapping[str, str]) -> Any:
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "console":
        import sys

        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    own = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE")
    return OTLPSpanExporter(session=None if any(environ.get(name) for name in own) else _session(environ))


def _session(environ: Mapping[str, str]) -> Session:
    """A session with our trust, read when the first spans go out: the command line is not read before."""
    import requests

    from allowlist.trust import is_loopback, trust_here, untrusted
    from allowlist.trusting import TrustingAdapter

    class Late(requests.adapters.BaseAdapter):
        made: TrustingAdapter | None = None

        def send(self, request: Any, *arguments: Any, **settings: Any) -> Any:
            trust = trust_here(environ)
            self.made = self.made or TrustingAdapter(trust)
            if is_loopback(request.url):
                settings["proxies"] = {}
            try:
                return self.made.send(request, *arguments, **settings)
            except OSError as error:  # of requests too
                raise untrusted(error, request.url, trust) or error from None

        def close(self) -> None:
            if self.made:
                self.made.close()

    session = requests.Session()
    session.mount("https://", Late())
    return session
