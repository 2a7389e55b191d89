import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { serial } from "../../adapters/serial/index.js";
import { superviseLink } from "../../src/link/index.js";
import { loadProfile } from "../../src/profile/index.js";
import { needs } from "../support/peers.js";
import { openPty } from "../support/pty.js";
import { openFarEnd, replay } from "../support/serial-replay.js";
import { collect, command, isCode, testContext } from "../unit/adapters/serial/fixtures.js";

/** A made-up sensor: frames A5 5A, length of what follows, kind, payload, sum8. Kind 01 measures, 81 acknowledges. */
const PROFILE = `
vendor: Test
model: Binary
resources:
  temperature: { type: number, unit: Cel }
  serial: { type: integer }
  offset: { type: number, access: W, min: -5, max: 5 }
serial:
  baudRate: 19200
  framing: { header: { start: { hex: "A5 5A" }, length: { at: 2, type: u8, add: 3 }, max: 32 } }
  checksum: { algorithm: sum8 }
  messages:
    measurement: { match: { hex: "01", at: 3 }, binary: { temperature: { at: 4, type: s16be, scale: 0.1 } } }
    identity: { match: { hex: "02", at: 3 }, binary: { serial: { at: 4, type: u16be } } }
    done: { match: { hex: "81", at: 3 }, binary: { offset: { at: 4, type: s8, scale: 0.1 } } }
  polls:
    - { request: { hex: "A5 5A 02 02 03" }, every: 1h, answer: identity }
  commands:
    offset: { hex: "A5 5A 03 81 00 00", value: { at: 4, type: s8, scale: 0.1 }, checksum: true, answer: done, timeout: 5s }
`;

const folder = mkdtempSync(join(tmpdir(), "weir-serial-"));
after(() => rmSync(folder, { recursive: true }));

function frame(kind: number, ...payload: number[]): Uint8Array {
  const body = [0xa5, 0x5a, payload.length + 2, kind, ...payload];
  return Uint8Array.from([...body, body.reduce((sum, byte) => sum + byte, 0) & 0xff]);
}

test("a profile in YAML, a pty and the supervisor: readings, a poll, a command", {
  ...needs("socat"),
  timeout: 60_000,
}, async (t) => {
  mkdirSync(join(folder, "test"));
  writeFileSync(join(folder, "test", "binary.yaml"), PROFILE);
  const profile = loadProfile("test/binary", [folder]);
  const pty = await openPty();
  const far = await openFarEnd(pty.far);
  const device = { id: "air", address: serial.address.parse({ path: pty.near, baudRate: 38_400 }), profile };
  assert.deepEqual(serial.check({}, [device]), []);
  const [link] = serial.links({}, [device]);
  assert.ok(link);
  assert.deepEqual([link.name, link.devices, link.impliesOnline], [`serial:${pty.near}`, ["air"], true]);

  // The device answers the poll (5 bytes) and the command (6 bytes, sealed).
  let heard: number[] = [];
  far.answer((piece) => {
    heard.push(...piece);
    if (heard.length >= 5 && heard[3] === 0x02) {
      heard = heard.slice(5);
      return frame(0x02, 0x12, 0x34);
    }
    if (heard.length < 6 || heard[3] !== 0x81) return undefined;
    const [offset = 0] = heard.splice(0, 6).slice(4);
    return frame(0x81, offset);
  });

  const context = testContext();
  const states = collect<string>();
  const supervised = superviseLink(link, { ...context, onState: ({ kind }) => states.push(kind) });
  t.after(async () => {
    await supervised.close();
    await far.close();
    await pty.close();
  });
  await states.first((state) => state === "up");
  const identity = await context.readings.first((reading) => reading.resource === "serial");
  assert.equal(identity.value, 0x1234);

  const bad = frame(0x01, 0x00, 0x01);
  bad[4] = 0x7f;
  const stream = Buffer.concat([Buffer.from("noise"), frame(0x01, 0x00, 0xd7), bad, frame(0x01, 0xff, 0x9c)]);
  await replay(far, stream, { split: 2 });
  await context.readings.first((reading) => reading.value === -10);
  assert.deepEqual(
    context.readings.items.map(({ resource, value, unit }) => [resource, value, unit]),
    [
      ["serial", 0x1234, undefined],
      ["temperature", 21.5, "Cel"],
      ["temperature", -10, "Cel"],
    ],
  );
  const discarded = context.entries.items.filter((entry) => entry.event === "serial_discarded");
  const total = discarded.reduce((sum, entry) => sum + (entry.count ?? 0), 0);
  assert.equal(total, "noise".length + bad.length);
  assert.ok(discarded.some((entry) => entry.reason === "checksum"));

  const session = supervised.session();
  assert.ok(session);
  const before = far.received.length;
  assert.equal(await session.execute(command("write", "offset", { value: -1.5 })), -1.5);
  const sum = (0xa5 + 0x5a + 0x03 + 0x81 + 0xf1) & 0xff;
  assert.deepEqual([...far.received.subarray(before)], [0xa5, 0x5a, 0x03, 0x81, 0xf1, sum]);
  assert.equal(await session.execute(command("read", "serial")), 0x1234);
  await assert.rejects(session.execute(command("write", "offset", { value: 6 })), isCode("VALUE_INVALID"));
  await assert.rejects(session.execute(command("write", "temperature", { value: 6 })), isCode("ACTION_UNSUPPORTED"));
});
