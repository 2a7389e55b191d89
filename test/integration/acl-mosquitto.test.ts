/** The same acl_file in mosquitto and here: what each lets a client publish and receive. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import mqtt from "mqtt";
import { parseAclFile } from "../../src/broker/access/acl/mosquitto.js";
import { allows } from "../../src/broker/access/acl/rules.js";
import { eventually } from "../support/eventually.js";
import { startMosquitto } from "../support/mosquitto.js";
import { needs } from "../support/peers.js";

const FILE = `# judge may hear and say all: what others do is seen through it
user judge
topic readwrite #
topic readwrite $odd/#
user anna
topic read  plant/+/state
topic write plant/one/set
topic deny  plant/two/#
topic readwrite a topic/with spaces
topic readwrite clients/anna/x
pattern readwrite clients/%c/#
pattern deny clients/%c/secret
pattern write users/%u
pattern read  $odd/%c/#
pattern deny clients/anna/x
`;

const CLIENTS = [
  { clientId: "c1", username: "anna" },
  { clientId: "c2", username: "bob" },
  { clientId: "c3" },
  { clientId: "c+", username: "anna" },
  { clientId: "c4", username: "b#b" },
  { clientId: "%u", username: "anna" },
];
const TOPICS = [
  "plant/one/state",
  "plant/two/state",
  "plant/one/set",
  "plant",
  "a topic/with spaces",
  "clients/c1/x",
  "clients/c1/secret",
  "clients/c1",
  "clients/c2/a/b",
  "clients/anna/x",
  "clients/%u/x",
  "users/anna",
  "users/bob",
  "users/%u",
  "$odd/c1/x",
  "other",
];

async function open(t: TestContext, url: string, options: mqtt.IClientOptions): Promise<mqtt.MqttClient> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, ...options });
  t.after(() => client.end(true));
  return client;
}

test("mosquitto and Weir give the same answers", needs("mosquitto"), async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-acl-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // Started by root, mosquitto reads it as another user.
  chmodSync(folder, 0o755);
  const file = join(folder, "acl");
  writeFileSync(file, FILE, { mode: 0o644 });
  const { url } = await startMosquitto(t, `acl_file ${file}\n`);
  const { acl, problems } = parseAclFile(FILE);
  assert.deepEqual(problems, []);

  const judge = await open(t, url, { clientId: "judge", username: "judge" });
  const said = new Set<string>();
  judge.on("message", (topic, payload) => said.add(`${payload} ${topic}`));
  await judge.subscribeAsync(["#", "$odd/#"]);
  for (const who of CLIENTS) {
    const client = await open(t, url, who);
    const heard = new Set<string>();
    client.on("message", (topic, payload) => heard.add(`${payload} ${topic}`));
    await client.subscribeAsync(["#", "$odd/#"]);
    await Promise.all(TOPICS.map((topic) => client.publishAsync(topic, who.clientId, { qos: 1 })));
    await Promise.all(TOPICS.map((topic) => judge.publishAsync(topic, "judge", { qos: 1 })));
    // What is asked for last comes last: the judge hears its own, and the client answers a ping after all else.
    await eventually(() => said.has("judge other"), "the judge heard all");
    await client.subscribeAsync("end");
    said.delete("judge other");
    const names = { user: who.username, clientId: who.clientId };
    for (const topic of TOPICS) {
      const list = acl.rulesFor(names);
      const at = `${JSON.stringify(who)} ${topic}`;
      assert.equal(allows(list, "publish", topic), said.has(`${who.clientId} ${topic}`), `publish ${at}`);
      assert.equal(allows(list, "receive", topic), heard.has(`judge ${topic}`), `receive ${at}`);
    }
    await client.endAsync();
  }
});
