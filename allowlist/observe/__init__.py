"""What a run shows of itself while and after it works: log lines, metrics, traces, and none of its secrets.

Importing this package is cheap; prometheus-client and OpenTelemetry are loaded when somebody asks for them.
"""
