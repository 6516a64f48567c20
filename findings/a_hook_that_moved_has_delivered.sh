#!/usr/bin/env bash
# apprise 2.3.0: a message to a hook that answers with a redirect counts as delivered, although nobody received it.
#
# Guess: a redirect is a failure, or the message is sent again to where it leads.
# Seen:  json://, form:// and xml:// answered 302 to a sign-in page: the page is fetched by a GET without the message, its 200
#        makes notify() a success. With AppriseAsset(http_redirects=False), known since 1.11, it is a failure.
# Why:   hooks end this way when a workspace moves or a sign-in is put before them, and then all that a scheduled run has
#        to say is lost while its log says "notified". allowlist sends without following.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check apprise==2.3.0
cd "$place"
"$place/env/bin/python" - <<'PYTHON'
import http.server, sys, threading
from importlib.metadata import version

import apprise

arrived = []


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        arrived.append((self.command, self.path, bool(body)))
        moved = self.path.startswith("/hook")
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", "/signin")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
told = {}
for kind in ("json", "form", "xml"):
    for follows in (True, False):
        arrived.clear()
        sender = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=follows))
        sender.add(f"{kind}://127.0.0.1:{server.server_address[1]}/hook")
        told[kind, follows] = (bool(sender.notify(body="a requirement is no longer covered")), [*arrived])
print(f"apprise {version('apprise')}:", *(f"{kind} follows={follows}: {said}" for (kind, follows), said in told.items()), sep="\n  ")
posted, fetched = ("POST", "/hook", True), ("GET", "/signin", False)
expected = {key: (True, [posted, fetched]) if key[1] else (False, [posted]) for key in told}
usual = apprise.AppriseAsset().http_redirects
sys.exit(told != expected or usual is not True)
PYTHON
