import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as peer from "mqtt-packet";
import type { Packet, ProtocolVersion } from "../../../../src/protocols/mqtt/index.js";
import { packetsOf } from "./arbitraries.js";
import { decode, encode, VERSIONS } from "./bytes.js";
import { plain, toPeer } from "./peer.js";

/** Only what mqtt-packet can take. */
function known(version: ProtocolVersion, packet: Packet): boolean {
  switch (packet.kind) {
    case "connect":
      // It has no empty client id in MQTT 3.1 or without a clean start, and no password without a user name.
      return packet.clientId !== "" && (packet.password === undefined || (packet.username ?? "") !== "");
    case "auth":
      // It does not know the short form (MQTT 5 3.15.2.1).
      return packet.reasonCode !== 0 || packet.properties !== undefined;
    default:
      return version >= 3;
  }
}

/** It takes a second value for the first one where that is empty, and does not keep the order of names. */
function sameInBoth(packet: Packet): boolean {
  const sections = [packet, "will" in packet ? packet.will : undefined];
  return sections.every((one) => {
    const properties = one !== undefined && "properties" in one ? one.properties : undefined;
    const pairs = properties !== undefined && "userProperties" in properties ? properties.userProperties : undefined;
    const names = (pairs ?? []).map(([name]) => name);
    return (
      new Set(names).size === names.length && !names.includes("__proto__") && !names.some((name) => /^\d+$/.test(name))
    );
  });
}

function parsed(version: ProtocolVersion, bytes: Uint8Array): peer.Packet[] {
  const packets: peer.Packet[] = [];
  const parser = peer.parser({ protocolVersion: version });
  parser.on("packet", (packet) => packets.push(packet));
  parser.on("error", (error) => {
    throw error;
  });
  parser.parse(Buffer.from(bytes));
  return packets;
}

for (const version of VERSIONS) {
  for (const [kind, arbitrary] of packetsOf(version)) {
    const packet = arbitrary.filter((one) => known(version, one) && sameInBoth(one));
    test(`version ${version}: ${kind} is read by mqtt-packet as it was written here`, () => {
      fc.assert(
        fc.property(packet, (one) => {
          const [theirs, ...more] = parsed(version, encode(version, one));
          assert.ok(theirs !== undefined && more.length === 0);
          const read = plain(theirs) as Record<string, unknown>;
          const expected = plain(toPeer(version, one)) as Record<string, unknown>;
          for (const [name, value] of Object.entries(expected)) {
            // Where there is no reason code on the wire they have none.
            if (name === "reasonCode" && value === 0 && read[name] === undefined) continue;
            assert.deepEqual(read[name], value, name);
          }
          assert.equal(read["properties"] === undefined, expected["properties"] === undefined);
        }),
        { numRuns: 200 },
      );
    });
    test(`version ${version}: ${kind} of mqtt-packet is read here`, () => {
      fc.assert(
        fc.property(packet, (one) => {
          const bytes = peer.generate(toPeer(version, one), { protocolVersion: version });
          assert.deepEqual(decode(version, new Uint8Array(bytes)), [one]);
        }),
        { numRuns: 200 },
      );
    });
  }
}
