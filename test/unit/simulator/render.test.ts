import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ageOf, cut, harmless, type Row, renderTable, widthOf } from "../../../src/simulator/render.js";

const row = (device: string, resource: string, value: string, unit = "", more: Partial<Row> = {}): Row => ({
  device,
  resource,
  value,
  unit,
  qos: 1,
  heardAt: 1_000,
  messages: 1,
  ...more,
});

test("the numbers of a device stand below each other by their decimal points, their units behind them", () => {
  const rows = [
    row("air", "pm1_0", "8", "ug/m3", { messages: 1_204 }),
    row("air", "pm2_5", "12.25", "ug/m3", { qos: 0, heardAt: 0 }),
    row("gps", "fix", "true"),
    row("gps", "latitude", "-48.1173", "lat", { qos: 2 }),
    row("gps", "status", "online", "", { heardAt: -3_600_000 }),
  ];
  assert.equal(
    renderTable(rows, { width: 100, now: 1_500 }),
    [
      "device  resource  value         QoS  age  messages",
      "air     pm1_0      8    ug/m3     1   0s      1204",
      "air     pm2_5     12.25 ug/m3     0   1s         1",
      "gps     fix       true            1   0s         1",
      "gps     latitude  -48.1173 lat    2   0s         1",
      "gps     status    online          1   1h         1",
    ].join("\n"),
  );
});

test("a header alone where nothing came yet", () => {
  assert.equal(renderTable([], { width: 100, now: 0 }), "device  resource  value  QoS  age  messages");
});

test("what is long is cut with an ellipsis, the widest first; counts stay whole", () => {
  const rows = [row("a-device-with-a-long-name", "temperature", "some text that says a lot", "", { messages: 12 })];
  const [header, line] = renderTable(rows, { width: 60, now: 1_000 }).split("\n");
  assert.equal(header, "device        resource     value          QoS  age  messages");
  assert.equal(line, "a-device-wi…  temperature  some text th…    1   0s        12");
});

test("control characters, terminal codes, reversed writing and piled-up marks are made harmless", () => {
  assert.equal(harmless("\x1b[2Jx\r\n\0\x07\u009b31m"), "·[2Jx·····31m");
  assert.equal(harmless("a\u202eb\u2028c\ufeffd\ud800e"), "a·b·c·d·e");
  assert.equal(harmless(`e\u0301${"\u0336".repeat(200)}z`), "éz");
  assert.equal(harmless("21.5 °C µg/m³ Zürich"), "21.5 °C µg/m³ Zürich");
});

test("wide characters take two columns", () => {
  assert.deepEqual([widthOf("温度"), widthOf("😀"), widthOf("abc"), widthOf("é")], [4, 2, 3, 1]);
  assert.equal(cut("温度計", 5), "温度…");
  assert.equal(cut("温度計", 4), "温…");
  assert.equal(cut("温度計", 6), "温度計");
  assert.equal(cut("abc", 0), "");
  const lines = renderTable([row("温度", "a", "1"), row("b", "a", "1")], { width: 80, now: 0 }).split("\n");
  assert.deepEqual(
    lines.map((line) => widthOf(line)),
    Array(3).fill(widthOf(lines[0] ?? "")),
  );
});

test("ages", () => {
  const ages = [-5_000, 0, 999, 1_000, 59_999, 60_000, 3_599_999, 3_600_000, 86_399_999, 86_400_000, 864_000_000];
  assert.deepEqual(ages.map(ageOf), ["0s", "0s", "0s", "1s", "59s", "1m", "59m", "1h", "23h", "1d", "10d"]);
});

test("property: whatever the texts, one line a row, none wider than the terminal, nothing a terminal would obey", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.double().map(String),
    fc.constant("\x1b]0;x\x07"),
  );
  const anyRow = fc.record({ device: anyText, resource: anyText, value: anyText, unit: anyText });
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 10 }), fc.integer({ min: 1, max: 120 }), (texts, width) => {
      const lines = renderTable(
        texts.map(({ device, resource, value, unit }) => row(device, resource, value, unit)),
        { width, now: 0 },
      ).split("\n");
      assert.equal(lines.length, texts.length + 1);
      for (const line of lines) {
        assert.ok(widthOf(line) <= width, JSON.stringify(line));
        assert.doesNotMatch(line, /\p{C}/u);
      }
    }),
  );
});
