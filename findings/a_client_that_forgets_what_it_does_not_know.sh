#!/usr/bin/env bash
# @azure/arm-network 39.0.0 and azure-mgmt-network 31.0.0: of one answer with a field that neither knows, JavaScript sends
# back what it knows, Python sends back all of it.
#
# Guess: two clients of one generation, made from one description by one generator, treat unknown fields alike.
# Seen:  a rule collection group is read and put back unchanged. In JavaScript the unknown field of the group, the one of a
#        rule, and everything but name and kind of a rule of a kind it does not know are gone from the PUT. In Python all
#        are there. Neither sends the etag as a condition.
# Why:   "get, change one thing, put" is how scripts edit a group. With one client it keeps what a newer tool wrote, with
#        the other it removes it, and Azure answers 200 both times. allowlist writes from the raw body and reads it back.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
cd "$place"
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check azure-mgmt-network==31.0.0
npm install --silent --no-audit --no-fund --no-package-lock --prefix "$place" @azure/arm-network@39.0.0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 \
  -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
cat >put.mjs <<'JS'
import { NetworkManagementClient } from "@azure/arm-network";
const credential = { getToken: async () => ({ token: "t", expiresOnTimestamp: Date.now() + 3600000 }) };
const client = new NetworkManagementClient(credential, "s", { endpoint: process.argv[2] });
const group = await client.firewallPolicyRuleCollectionGroups.get("r", "p", "g");
await client.firewallPolicyRuleCollectionGroups.createOrUpdate("r", "p", "g", group);
JS
"$place/env/bin/python" - <<'PYTHON'
import json, os, ssl, subprocess, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from azure.core.credentials import AccessToken
from azure.mgmt.network import NetworkManagementClient

RULES = [
    {"ruleType": "ApplicationRule", "name": "known", "sourceAddresses": ["10.0.0.0/24"], "targetFqdns": ["api.contoso.com"],
     "protocols": [{"protocolType": "Https", "port": 443}], "unknownOfRule": ["x"]},
    {"ruleType": "RuleOfTomorrow", "name": "new", "destinations": ["models.contoso.com"]},
]
GROUP = {
    "name": "g", "etag": "e", "type": "Microsoft.Network/FirewallPolicies/RuleCollectionGroups",
    "id": "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/firewallPolicies/p/ruleCollectionGroups/g",
    "properties": {"priority": 200, "provisioningState": "Succeeded", "unknownOfGroup": {"a": 1}, "ruleCollections": [
        {"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "c", "priority": 100,
         "action": {"type": "Allow"}, "rules": RULES}]},
}
puts, conditions = [], []


class Arm(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer()

    def do_PUT(self):
        puts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        conditions.append(self.headers["If-Match"])
        self.answer()

    def answer(self):
        body = json.dumps(GROUP).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Someone:
    def get_token(self, *_, **__):
        return AccessToken("t", int(time.time()) + 3600)


server = ThreadingHTTPServer(("127.0.0.1", 0), Arm)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"https://localhost:{server.server_port}"
subprocess.run(["node", "put.mjs", address], check=True, env={**os.environ, "NODE_EXTRA_CA_CERTS": "cert.pem"})
client = NetworkManagementClient(Someone(), "s", base_url=address, connection_verify="cert.pem")
group = client.firewall_policy_rule_collection_groups.get("r", "p", "g")
client.firewall_policy_rule_collection_groups.begin_create_or_update("r", "p", "g", group).result()


def kept(body):
    rules = body["properties"]["ruleCollections"][0]["rules"]
    return ["unknownOfGroup" in body["properties"], "unknownOfRule" in rules[0], "destinations" in rules[1]]


javascript, python = map(kept, puts)
print("unknown field of the group, of a rule, of a rule of unknown kind kept:",
      f"@azure/arm-network 39.0.0 {javascript}, azure-mgmt-network {version('azure-mgmt-network')} {python};",
      f"If-Match sent: {conditions}")
sys.exit(any(javascript) or not all(python) or conditions != [None, None])
PYTHON
