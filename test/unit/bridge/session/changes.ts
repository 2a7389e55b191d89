import fc from "fast-check";
import type { Change, Lane } from "../../../../src/bridge/session/session.js";

const range = fc
  .record({ first: fc.integer({ min: 1, max: 20 }), length: fc.integer({ min: 1, max: 4 }) })
  .map(({ first, length }) => ({ first, last: first + length - 1 }));
const id = fc.integer({ min: 1, max: 5 });
const lane = fc.constantFrom<Lane[]>(0, 1);
const server = fc.constantFrom("mqtt://a", "mqtts://ö:8883", "ws://c/mqtt", "");

/** Any change, of few things, so that they often meet and the state of all of them fits a bank of 800 bytes. */
export const anyChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ range, lane }).map(({ range, lane }) => ({ kind: "handedOver" as const, lane, ...range })),
  },
  { weight: 3, arbitrary: range.map((one) => ({ kind: "parcel" as const, ...one })) },
  { weight: 3, arbitrary: id.map((one) => ({ kind: "received" as const, id: one })) },
  { weight: 3, arbitrary: id.map((one) => ({ kind: "completed" as const, id: one })) },
  { weight: 1, arbitrary: fc.constant({ kind: "reset" as const }) },
  {
    weight: 1,
    arbitrary: fc
      .record({ home: fc.option(server, { nil: undefined }), clean: fc.array(server, { maxLength: 3 }) })
      .map((servers) => ({ kind: "servers" as const, ...servers })),
  },
);
