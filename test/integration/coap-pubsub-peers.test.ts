import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent, type ObserveReadStream, request } from "coap";
import { openEndpoint } from "../../src/protocols/coap/index.js";
import { openUdp } from "../../src/protocols/datagram/index.js";
import { answerIn, startPubSub } from "../support/coap-pubsub.js";
import { eventually } from "../support/eventually.js";
import { connectClient } from "../support/mqtt.js";
import { needs } from "../support/peers.js";
import { run } from "../support/run.js";

test("npm coap observes a filter, and deregisters", async (t) => {
  const { mqtt, port } = await startPubSub(t);
  const publisher = await connectClient(t, mqtt);
  const agent = new Agent({ type: "udp4" });
  t.after(() => agent.close());
  const heard: string[] = [];
  // It leaves the escape as it is: the gateway decodes it.
  const asked = request({ host: "127.0.0.1", port, pathname: "/ps/plant/%2B", observe: true, agent });
  const stream = new Promise<ObserveReadStream>((resolve) => {
    asked.on("response", (response) => resolve(response as ObserveReadStream));
  });
  asked.end();
  const observed = await stream;
  observed.on("data", (chunk: Buffer) => heard.push(chunk.toString()));
  for (const text of ["one", "two"]) await publisher.publishAsync(`plant/${text}`, text, { qos: 1 });
  await eventually(() => heard.includes("two"), "both came");
  assert.deepEqual(
    heard.filter((text) => text !== ""),
    ["one", "two"],
  );
  observed.close();
});

test("a gateway's own client observes, keeps it alive by asking again, and misses nothing between", async (t) => {
  const { mqtt, port } = await startPubSub(t);
  const publisher = await connectClient(t, mqtt);
  await publisher.publishAsync("plant/a", "retained", { qos: 1, retain: true });
  const endpoint = openEndpoint(await openUdp({ host: "127.0.0.1", port: 0 }));
  t.after(() => endpoint.close());
  const peer = await endpoint.connect({ address: "127.0.0.1", port });
  const heard: string[] = [];
  let answers = 0;
  const observation = endpoint.observe(
    peer,
    { method: "0.01", path: ["ps", "plant", "a"] },
    {
      next: ({ payload }) => {
        if (payload.length === 0) answers++;
        else heard.push(Buffer.from(payload).toString());
      },
      ended: () => {},
    },
    { renewAfter: 50 },
  );
  await eventually(() => heard.length === 1 && answers >= 4, "it was renewed some times");
  for (let count = 0; count < 500; count++) await publisher.publishAsync("plant/a", String(count), { qos: 1 });
  await eventually(() => heard.includes("499"), "the last one came");
  const numbers = heard.filter((text) => text !== "retained");
  assert.deepEqual(
    [...new Set(numbers)],
    Array.from({ length: 500 }, (_, count) => String(count)),
  );
  assert.equal(heard.length - numbers.length, 1, "the retained one came once");
  await observation.cancel();
  await publisher.publishAsync("plant/a", "after the end", { qos: 1 });
  const probe = await endpoint.request(peer, { method: "0.01", path: ["ps", "plant", "a"] });
  assert.equal(probe.code, "2.05");
  assert.equal(heard.includes("after the end"), false);
});

for (const library of ["openssl", "gnutls"] as const) {
  const client = `coap-client-${library}` as const;
  test(`over DTLS the key says which user it is (libcoap with ${library})`, needs(client), async (t) => {
    const { secure, port } = await startPubSub(t, {
      coap: ", dtls: { psk: keys, required: true }",
      files: { keys: `ann:${Buffer.from("the secret key of ann").toString("hex")}\n` },
      broker: `, anonymous: false, acl: { rules: [{ allow: publish, user: ann, topics: ["ann/#"] }] }`,
    });
    const ask = async (method: string, path: string, ...args: string[]) => {
      const uri = `coaps://127.0.0.1:${secure}/${path}`;
      const key = ["-u", "ann", "-k", "the secret key of ann"];
      return answerIn((await run(client, ["-v", "6", "-B", "10", ...key, "-m", method, ...args, uri])).said);
    };
    assert.equal((await ask("post", "ps/ann/a", "-e", "1")).code, "2.04");
    assert.equal((await ask("post", "ps/bob/a", "-e", "1")).code, "4.03");
    assert.equal((await ask("post", "ps/ann/a?username=bob&password=x", "-e", "1")).code, "4.01");
    const { code, text: token } = await ask("post", "mqtt/connection?clientid=c", "-e", "");
    assert.equal(code, "2.01");
    assert.equal((await ask("put", `mqtt/connection?clientid=c&token=${token}`, "-e", "")).code, "2.04");
    const plain = await run("coap-client-notls", [
      ...["-v", "6", "-B", "10", "-m", "put", "-e", ""],
      `coap://127.0.0.1:${port}/mqtt/connection?clientid=c&token=${token}`,
    ]);
    assert.equal(answerIn(plain.said).code, "4.01", "nothing is taken over UDP");
  });
}
