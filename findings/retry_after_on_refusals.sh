#!/usr/bin/env bash
# azure-core 1.41.0: any error answer with a Retry-After header is sent again, refusals (403, 404, 409) included.
#
# Guess: only answers that call for it are retried: 408, 429, 500, 502, 503, 504, as the policy's own list says.
# Seen:  with Retry-After a GET that is answered 403, 404 or 409 is sent four times; without the header once.
# Why:   a missing right is told late, one refused request counts four times against a budget, and a service that
#        sends the header with every answer makes a client that asks "is it there?" slow.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check azure-core==1.41.0
"$place/env/bin/python" - <<'PYTHON'
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import azure.core
from azure.core import PipelineClient
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest

asked = []

class Refuses(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        status, _, header = self.path.strip("/").partition("/")
        self.send_response(int(status))
        if header:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Refuses)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
client = PipelineClient(url, policies=[RetryPolicy()])
seen = {}
for path in ("/403", "/403/later", "/404/later", "/409/later"):
    asked.clear()
    client.send_request(HttpRequest("GET", url + path))
    seen[path] = len(asked)
server.shutdown()
print(f"azure-core {azure.core.__version__}: requests sent: {seen}")
sys.exit(seen != {"/403": 1, "/403/later": 4, "/404/later": 4, "/409/later": 4})
PYTHON
