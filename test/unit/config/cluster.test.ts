import assert from "node:assert/strict";
import test from "node:test";
import { parseCluster } from "../../../src/config/cluster-schema.js";
import { load } from "./fixtures.js";

test("the Redis of a cluster, in its parts", () => {
  const plain = { url: "redis://r:6379", host: "r", port: 6379, tls: false, database: 0 };
  assert.deepEqual(parseCluster("redis://r"), plain);
  assert.deepEqual(parseCluster("redis://r:6379/"), plain);
  assert.deepEqual(parseCluster("rediss://weir:a%2Fb%25@[::1]:7000/3"), {
    url: "rediss://[::1]:7000/3",
    host: "::1",
    port: 7000,
    tls: true,
    database: 3,
    username: "weir",
    password: "a/b%",
  });
  assert.deepEqual(parseCluster("redis://:secret@r"), { ...plain, password: "secret" });
});

test("what is none: said without the text, which may hold a password", () => {
  for (const text of [
    "r:6379",
    "http://:s3cret@r",
    "redis://:s3cret@r/name",
    "redis://:s3cret@r/0?family=6",
    "redis://:s3cret%@r",
    "redis://:s3cret@r:70000",
    "redis:// s3cret@r",
  ]) {
    const why = parseCluster(text);
    assert.equal(typeof why, "string", text);
    assert.doesNotMatch(String(why), /s3cret/);
  }
});

test("its password is not in what is shown of the configuration, wherever it came from", () => {
  for (const text of ["redis://u:hunter22@r:6379", `redis://u:\${env:REDIS}@r:6379`]) {
    const loaded = load(`broker: { cluster: ${JSON.stringify(text)} }`, { env: { REDIS: "hunter22" } });
    assert.equal(loaded.config.broker.cluster?.password, "hunter22");
    assert.doesNotMatch(loaded.redacted(), /hunter22/);
  }
});
