import assert from "node:assert/strict";
import { test } from "node:test";
import { readParameters, topicOf } from "../../../../../adapters/coap/pubsub/parameters.js";
import { Refused } from "../../../../../adapters/coap/pubsub/refused.js";

const NOTHING = {
  clientId: undefined,
  username: undefined,
  password: undefined,
  token: undefined,
  qos: undefined,
  retain: false,
  expiry: undefined,
  noLocal: false,
  retainHandling: 1,
};

test("every parameter is read by its name, and by its short one where EMQX has one", () => {
  assert.deepEqual(readParameters([]), NOTHING);
  const long = [
    "clientid=c",
    "username=u",
    "password=p=&",
    "token=t",
    "qos=2",
    "retain=true",
    "expiry=60",
    "nl=1",
    "rh=2",
  ];
  const read = {
    clientId: "c",
    username: "u",
    password: "p=&",
    token: "t",
    qos: 2,
    retain: true,
    expiry: 60,
    noLocal: true,
    retainHandling: 2,
  };
  assert.deepEqual(readParameters(long), read);
  assert.deepEqual(readParameters(["c=c", "u=u", "p=p=&", "t=t", "q=2", "r=1", "expiry=60", "nl=true", "rh=2"]), read);
});

test("what is not known counts for nothing; an expiry of 0 is none", () => {
  assert.deepEqual(readParameters(["x=1", "", "=", "e=1", "Qos=1", "expiry=0", "retain=false"]), NOTHING);
});

test("what cannot be, and what is there twice, is refused", () => {
  for (const query of [
    ["qos=3"],
    ["qos="],
    ["qos"],
    ["q=01"],
    ["retain=yes"],
    ["retain"],
    ["rh=3"],
    ["nl=2"],
    ["expiry=-1"],
    ["expiry=1.5"],
    ["expiry=4294967296"],
    ["expiry=99999999999"],
    ["token=a", "t=b"],
    ["password=a", "password=a"],
  ])
    assert.throws(
      () => readParameters(query),
      (error) => error instanceof Refused && error.code === "4.00",
      String(query),
    );
});

test("a topic is what is behind /ps/, with escapes that a client left in it decoded", () => {
  assert.equal(topicOf(["ps"]), "");
  assert.equal(topicOf(["ps", "a", "b"]), "a/b");
  assert.equal(topicOf(["ps", "", "a", ""]), "/a/");
  assert.equal(topicOf(["ps", "a", "%2B", "%23"]), "a/+/#");
  assert.equal(topicOf(["ps", "50%"]), "50%");
  assert.equal(topicOf(["ps", "%ff"]), "%ff");
});
