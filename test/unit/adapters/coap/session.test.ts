import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "cborg";
import { WeirError } from "../../../../src/core/errors.js";
import { OPTION, uint } from "../../../../src/protocols/coap/index.js";
import { encodeSenmlCbor, encodeSenmlJson } from "../../../../src/protocols/senml/index.js";
import { device, NOW, open } from "./fixture.js";

const AIR = device("air", {
  temperature: { type: "number", unit: "Cel", access: "R", min: -40, max: 85 },
  count: { type: "integer", access: "R" },
  open: { type: "boolean", access: "RW" },
  label: { type: "string", access: "R" },
  raw: { type: "bytes", access: "R" },
  restart: { type: "boolean", access: "E" },
});
const FREE = device("free");
const SIGN = device("sign", undefined, "plant/sign");
const DEVICES = [AIR, FREE, SIGN];

const good = (of: string, resource: string, value: unknown, more = {}) => ({
  device: of,
  resource,
  value,
  time: NOW,
  quality: "good",
  ...more,
});

for (const [what, post, readings] of [
  [
    "text by the profile",
    { path: "air/temperature", payload: "21.5", format: 0 },
    [good("air", "temperature", 21.5, { unit: "Cel" })],
  ],
  [
    "text without a format",
    { path: "air/temperature", payload: " +21. \n" },
    [good("air", "temperature", 21, { unit: "Cel" })],
  ],
  ["PUT as well as POST", { path: "air/count", payload: "7", method: "0.03" }, [good("air", "count", 7)]],
  [
    "a number for a text resource stays text",
    { path: "air/label", payload: "21.5", format: 0 },
    [good("air", "label", "21.5")],
  ],
  ["text as a boolean", { path: "air/open", payload: "true" }, [good("air", "open", true)]],
  ["text as bytes", { path: "air/raw", payload: "hi" }, [good("air", "raw", Uint8Array.of(0x68, 0x69))]],
  ["text without a profile: a number", { path: "free/x", payload: "-1.5e3" }, [good("free", "x", -1500)]],
  ["text without a profile: a boolean", { path: "free/x", payload: "false" }, [good("free", "x", false)]],
  ["text without a profile: leading zeros are text", { path: "free/x", payload: "007" }, [good("free", "x", "007")]],
  ["text without a profile: text", { path: "free/x", payload: "hello world" }, [good("free", "x", "hello world")]],
  ["a path of two segments", { path: "plant/sign/text", payload: "x" }, [good("sign", "text", "x")]],
  ["a path with a slash at its end", { path: "air/", payload: `{"count":1}`, format: 50 }, [good("air", "count", 1)]],
  [
    "JSON of several values",
    { path: "air", payload: `{"temperature":21.5,"open":false,"label":"x","raw":"aGk="}`, format: 50 },
    [
      good("air", "temperature", 21.5, { unit: "Cel" }),
      good("air", "open", false),
      good("air", "label", "x"),
      good("air", "raw", Uint8Array.of(0x68, 0x69)),
    ],
  ],
  ["JSON without a format", { path: "free", payload: ` {"a":1}` }, [good("free", "a", 1)]],
  [
    "one JSON value",
    { path: "air/temperature", payload: "21.5", format: 50 },
    [good("air", "temperature", 21.5, { unit: "Cel" })],
  ],
  [
    "one JSON value with its time",
    { path: "free/a", payload: `{"v":1,"t":1763890000000}`, format: 50 },
    [good("free", "a", 1, { time: 1_763_890_000_000 })],
  ],
  ["one JSON value, spelled out", { path: "free/a", payload: `{"value":"x"}`, format: 50 }, [good("free", "a", "x")]],
  [
    "CBOR of several values",
    { path: "free", payload: encode({ a: 1.5, b: true, c: "x", d: Uint8Array.of(1) }), format: 60 },
    [good("free", "a", 1.5), good("free", "b", true), good("free", "c", "x"), good("free", "d", Uint8Array.of(1))],
  ],
  [
    "one CBOR value",
    { path: "air/raw", payload: encode(Uint8Array.of(1, 2)), format: 60 },
    [good("air", "raw", Uint8Array.of(1, 2))],
  ],
  [
    "SenML in JSON, named by device and resource",
    {
      path: "air",
      payload: encodeSenmlJson(
        [
          { name: "air/temperature", value: 21, unit: "K", time: NOW - 5000 },
          { name: "air/count", value: 2, time: NOW },
        ],
        { baseName: "air/" },
      ),
      format: 110,
    },
    [good("air", "temperature", 21, { unit: "K", time: NOW - 5000 }), good("air", "count", 2)],
  ],
  [
    "SenML in CBOR, named by a URN",
    { path: "air", payload: encodeSenmlCbor([{ name: "urn:dev:ow:10e2073a01080063:count", value: 2 }]), format: 112 },
    [good("air", "count", 2)],
  ],
  [
    "SenML to a resource",
    { path: "air/count", payload: `[{"n":"count","v":2}]`, format: 110 },
    [good("air", "count", 2)],
  ],
  [
    "SenML with a path of two segments",
    { path: "plant/sign", payload: `[{"bn":"plant/sign/","n":"text","vs":"x"}]`, format: 110 },
    [good("sign", "text", "x")],
  ],
  [
    "a switch that SenML says as 1",
    { path: "air", payload: `[{"n":"open","v":1}]`, format: 110 },
    [good("air", "open", true)],
  ],
  [
    "a value beyond its bounds is uncertain",
    { path: "air/temperature", payload: "99" },
    [good("air", "temperature", 99, { unit: "Cel", quality: "uncertain" })],
  ],
] as const) {
  test(`takes ${what}`, async (context) => {
    const { ask, taken, entries } = await open(context, DEVICES);
    assert.deepEqual(await ask(post), { code: "2.04", text: "", maxAge: undefined });
    assert.deepEqual(taken, [readings]);
    assert.deepEqual(
      entries.map(({ event }) => event),
      ["coap_listening"],
    );
  });
}

for (const [what, post, code, reason, text] of [
  ["a device that is unknown", { path: "nobody/x", payload: "1" }, "4.04", "unknown_device", /"\/nobody\/x"/],
  ["no path", { path: "", payload: "1" }, "4.04", "unknown_device", /no device/],
  ["a path that goes too deep", { path: "air/a/b", payload: "1" }, "4.04", "unknown_device", /no device/],
  ["a resource that is unknown", { path: "air/pressure", payload: "1" }, "4.04", "unknown_resource", /"pressure"/],
  [
    "one unknown resource of several",
    { path: "air", payload: `{"temperature":1,"pressure":2}`, format: 50 },
    "4.04",
    "unknown_resource",
    /"pressure"/,
  ],
  ["GET", { path: "air/temperature", method: "0.01" }, "4.05", "method", /POST or PUT/],
  ["DELETE", { path: "air", method: "0.04" }, "4.05", "method", /POST or PUT/],
  ["a format that is unknown", { path: "air", payload: "x", format: 41 }, "4.15", "format", /41 .* 110 SenML/],
  ["bytes without a format", { path: "air/raw", payload: Uint8Array.of(0xff, 0xfe) }, "4.15", "format", /missing/],
  ["no payload", { path: "air/temperature" }, "4.00", "bad_payload", /no payload/],
  ["text for a device", { path: "air", payload: "21.5" }, "4.00", "bad_payload", /\/device\/resource/],
  [
    "text that is no number",
    { path: "air/temperature", payload: "warm" },
    "4.00",
    "bad_payload",
    /"temperature" must be a number/,
  ],
  [
    "text that is no number, in hex",
    { path: "air/temperature", payload: "0x10" },
    "4.00",
    "bad_payload",
    /must be a number/,
  ],
  ["text that is no boolean", { path: "air/open", payload: "yes" }, "4.00", "bad_payload", /must be true or false/],
  ["half an integer", { path: "air/count", payload: "1.5" }, "4.00", "bad_payload", /whole number/],
  [
    "a JSON text for a number",
    { path: "air", payload: `{"temperature":"21.5"}`, format: 50 },
    "4.00",
    "bad_payload",
    /must be a number/,
  ],
  ["base64 that is none", { path: "air", payload: `{"raw":"a"}`, format: 50 }, "4.00", "bad_payload", /must be bytes/],
  ["broken JSON", { path: "air", payload: `{"temperature":`, format: 50 }, "4.00", "bad_payload", /not JSON/],
  ["a JSON number for a device", { path: "air", payload: "1", format: 50 }, "4.00", "bad_payload", /single value/],
  ["a JSON array for a device", { path: "air", payload: "[1]", format: 50 }, "4.00", "bad_payload", /array .*110/],
  ["an empty object", { path: "air", payload: "{}", format: 50 }, "4.00", "bad_payload", /no values/],
  ["a nested object", { path: "free", payload: `{"a":{"b":1}}`, format: 50 }, "4.00", "bad_payload", /"a" is nested/],
  ["an array as a value", { path: "free/a", payload: "[1,2]", format: 50 }, "4.00", "bad_payload", /"a" is nested/],
  ["null", { path: "free", payload: `{"a":null}`, format: 50 }, "4.00", "bad_payload", /"a" is null/],
  ["a number beyond doubles", { path: "free", payload: `{"a":1e999}`, format: 50 }, "4.00", "bad_payload", /too large/],
  ["a key that is there twice", { path: "free", payload: `{"a":1,"a":2}`, format: 50 }, "4.00", "bad_payload", /twice/],
  ["an unknown key beside v", { path: "free/a", payload: `{"v":1,"x":2}`, format: 50 }, "4.00", "bad_payload", /"x"/],
  [
    "v and value",
    { path: "free/a", payload: `{"v":1,"value":2}`, format: 50 },
    "4.00",
    "bad_payload",
    /either v or value/,
  ],
  [
    "a time in seconds",
    { path: "free/a", payload: `{"v":1,"t":1763890000}`, format: 50 },
    "4.00",
    "bad_payload",
    /ms since 1970/,
  ],
  ["broken CBOR", { path: "free", payload: Uint8Array.of(0xa1), format: 60 }, "4.00", "bad_payload", /CBOR/],
  [
    "CBOR with a number as a name",
    { path: "free", payload: encode(new Map([[1, 2]])), format: 60 },
    "4.00",
    "bad_payload",
    /name of a resource/,
  ],
  [
    "SenML that is none",
    { path: "air", payload: `[{"v":1}]`, format: 110 },
    "4.00",
    "bad_payload",
    /record 1 has no name/,
  ],
  [
    "SenML of another device",
    { path: "air", payload: `[{"n":"free/temperature","v":1}]`, format: 110 },
    "4.03",
    "other_device",
    /free\/temperature/,
  ],
  [
    "SenML of a device nobody knows",
    { path: "air", payload: `[{"n":"2001:db8::2/temperature","v":1}]`, format: 110 },
    "4.03",
    "other_device",
    /2001/,
  ],
  [
    "SenML whose URN names another device",
    { path: "air", payload: `[{"n":"urn:dev:x:free:temperature","v":1}]`, format: 110 },
    "4.03",
    "other_device",
    /free/,
  ],
  [
    "SenML of the device itself, not a resource",
    { path: "air", payload: `[{"n":"air/","v":1}]`, format: 110 },
    "4.00",
    "bad_payload",
    /no resource/,
  ],
  [
    "SenML of another resource",
    { path: "air/count", payload: `[{"n":"temperature","v":1}]`, format: 110 },
    "4.00",
    "bad_payload",
    /"count"/,
  ],
  [
    "SenML with a sum only",
    { path: "air", payload: `[{"n":"count","s":1}]`, format: 110 },
    "4.00",
    "bad_payload",
    /sum only/,
  ],
  [
    "SenML of base fields alone",
    { path: "air", payload: `[{"bn":"air/"}]`, format: 110 },
    "4.00",
    "bad_payload",
    /no values/,
  ],
  ["the name status", { path: "free/status", payload: "1" }, "4.00", "bad_payload", /"status"/],
  ["a name with a wildcard", { path: "free/+", payload: "1" }, "4.00", "bad_payload", /"\+" is no name/],
  ["a name that is too long", { path: `free/${"a".repeat(65)}`, payload: "1" }, "4.00", "bad_payload", /no name/],
  [
    "65 values without a profile",
    {
      path: "free",
      payload: JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`n${n}`, n]))),
      format: 50,
    },
    "4.00",
    "bad_payload",
    /65 values, 64/,
  ],
  [
    "a value for what can only be executed",
    { path: "air/restart", payload: "true" },
    "4.00",
    "bad_payload",
    /executed/,
  ],
  ["POST to /.well-known/core", { path: ".well-known/core", payload: "x" }, "4.05", "method", /GET/],
  [
    "another format of /.well-known/core",
    { path: ".well-known/core", method: "0.01", options: [uint(OPTION.accept, 50)] },
    "4.06",
    "accept",
    /link format/,
  ],
  [
    "a critical option",
    { path: "air", options: [{ number: 9, value: new Uint8Array(0) }] },
    "4.02",
    "bad_option",
    /option 9/,
  ],
] as const) {
  test(`refuses ${what}: ${code}`, async (context) => {
    const { ask, taken, entries } = await open(context, DEVICES);
    const answer = await ask(post);
    assert.equal(answer.code, code, answer.text);
    assert.match(answer.text, text);
    assert.deepEqual(taken, [], "all or nothing");
    assert.deepEqual(
      entries.slice(1).map((entry) => [entry.event, entry.reason]),
      [["coap_refused", reason]],
    );
  });
}

test("a body beyond maxPayload is 4.13", async (context) => {
  const { ask, entries } = await open(context, DEVICES, { maxPayload: 64 });
  assert.equal((await ask({ path: "free/a", payload: "x".repeat(64) })).code, "2.04");
  assert.equal((await ask({ path: "free/a", payload: "x".repeat(65) })).code, "4.13");
  assert.deepEqual(
    entries.slice(1).map(({ event, reason }) => [event, reason]),
    [["coap_refused", "too_large"]],
  );
});

for (const [error, code, maxAge, reason] of [
  [new WeirError("OUTBOX_FULL", "secret"), "5.03", 30, "outbox_full"],
  [new WeirError("CLOSED", "secret"), "5.03", 30, "stopping"],
  [new WeirError("RESOURCE_UNKNOWN", "secret"), "4.04", undefined, "unknown_resource"],
  [new Error("secret"), "5.00", undefined, "failed"],
] as const) {
  test(`a sink that rejects with ${error instanceof WeirError ? error.code : "anything else"} is ${code}`, async (context) => {
    const { ask, entries } = await open(context, DEVICES, { sink: () => Promise.reject(error) });
    const answer = await ask({ path: "free/a", payload: "1" });
    assert.deepEqual([answer.code, answer.maxAge], [code, maxAge]);
    assert.doesNotMatch(answer.text, /secret/, "the sender is told nothing of the inside");
    const [, refused] = entries;
    assert.deepEqual([refused?.event, refused?.reason, refused?.at], ["coap_refused", reason, "free"]);
    assert.match(refused?.message ?? "", /secret/);
  });
}

test("2.04 comes only after the sink has taken the readings", async (context) => {
  let taken: () => void = () => {};
  let asked: () => void = () => {};
  const inSink = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const { ask } = await open(context, DEVICES, {
    sink: () => {
      asked();
      return new Promise((resolve) => {
        taken = resolve;
      });
    },
  });
  let answered = false;
  const answer = ask({ path: "free/a", payload: "1" }).then(({ code }) => {
    answered = true;
    return code;
  });
  await inSink;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(answered, false);
  taken();
  assert.equal(await answer, "2.04");
});

test("/.well-known/core lists the devices", async (context) => {
  const { ask } = await open(context, DEVICES);
  // Who has not shown yet where it is gets three times of what it sends at most (RFC 9175 2.4): an option that nobody knows fills it up.
  const options = [{ number: 2048, value: new Uint8Array(60) }];
  const answer = await ask({ path: ".well-known/core", method: "0.01", options });
  assert.equal(answer.code, "2.05");
  assert.equal(
    answer.text,
    ["air", "free", "plant/sign"].map((path) => `</${path}>;rt="weir.device";ct="50 60 110 112"`).join(","),
  );
});
