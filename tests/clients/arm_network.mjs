// Drives a Resource Manager with the JavaScript SDK: node arm_network.mjs MODULES ENDPOINT SUBSCRIPTION GROUP
// MODULES is a folder that holds @azure/arm-network. Prints what it read as one JSON document.
import { createRequire } from "node:module";

const [modules, endpoint, subscription, group] = process.argv.slice(2);
const { NetworkManagementClient } = createRequire(`${modules}/here.js`)("@azure/arm-network");

// Signs in at the simulator as any client of its own would: with a client secret, over its certificate.
const credential = {
  async getToken(scopes) {
    const answer = await fetch(`${endpoint}/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials", client_id: "any", client_secret: "any", scope: [scopes].flat().join(" "),
      }),
    });
    const token = await answer.json();
    return { token: token.access_token, expiresOnTimestamp: Date.now() + token.expires_in * 1000 };
  },
};
const client = new NetworkManagementClient(credential, subscription, {
  endpoint, credentialScopes: [`${endpoint}/.default`], updateIntervalInMs: 100,
});
const quickly = { updateIntervalInMs: 100 };
const rules = (...names) => ({
  priority: 300,
  ruleCollections: [{
    ruleCollectionType: "FirewallPolicyFilterRuleCollection", name: "web", priority: 300, action: { type: "Allow" },
    rules: names.map((name, at) => ({
      ruleType: "ApplicationRule", name: `r${at}`, sourceAddresses: ["10.0.0.0/24"],
      protocols: [{ protocolType: "Https", port: 443 }], targetFqdns: [name],
    })),
  }],
});
const collected = async (pages) => { const found = []; for await (const item of pages) found.push(item.name); return found; };

const policies = client.firewallPolicies, groups = client.firewallPolicyRuleCollectionGroups;
const made = await policies.beginCreateOrUpdateAndWait(
  group, "js", { location: "westeurope", sku: { tier: "Standard" }, threatIntelMode: "Alert" }, quickly);
await groups.beginCreateOrUpdateAndWait(group, "js", "one", rules("a.example.com"), quickly);
const changed = await groups.beginCreateOrUpdateAndWait(group, "js", "one", rules("a.example.com", "b.example.com"), quickly);
const listed = await collected(groups.list(group, "js"));
const read = await groups.get(group, "js", "one");
await groups.beginDeleteAndWait(group, "js", "one", quickly);
const left = await collected(groups.list(group, "js"));
let refused = "";
try { await groups.get(group, "js", "one"); } catch (error) { refused = `${error.statusCode} ${error.code}`; }
const all = await collected(policies.list(group));
console.log(JSON.stringify({
  made: made.provisioningState, changed: changed.provisioningState, listed, left, refused, all,
  targets: read.ruleCollections[0].rules.map((rule) => rule.targetFqdns[0]),
}));
