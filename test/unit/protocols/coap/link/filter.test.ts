import assert from "node:assert/strict";
import { test } from "node:test";
import { filterLinks } from "../../../../../src/protocols/coap/link/filter.js";
import { type Link, parseLinks } from "../../../../../src/protocols/coap/link/links.js";

const parsed = parseLinks(
  Buffer.from(
    `</sensors>;ct=40;title="Sensor Index",</sensors/temp>;rt="temperature-c";if="sensor";obs,` +
      `</sensors/light>;rt="light-lux core.sen-light";if="sensor";ct="0 50";sz=12,` +
      `<http://example.com/t123>;anchor="/sensors/temp";rel="describedby x",</t>;rel=alternate;rel=ignored`,
  ),
);
const LINKS: readonly Link[] = parsed.ok ? parsed.links : [];
const ALL = ["/sensors", "/sensors/temp", "/sensors/light", "http://example.com/t123", "/t"];

for (const [query, expected] of [
  [[], ALL],
  [["rt=light-lux"], ["/sensors/light"]],
  [["rt=core.sen-light"], ["/sensors/light"]],
  [["rt=light*"], ["/sensors/light"]],
  // The whole list is no value of it.
  [["rt=light-lux core.sen-light"], []],
  [["rt=light"], []],
  [["rt=*"], ["/sensors/temp", "/sensors/light"]],
  [["if=sensor"], ["/sensors/temp", "/sensors/light"]],
  [["if=sensor", "rt=temp*"], ["/sensors/temp"]],
  [["href=/sensors"], ["/sensors"]],
  [["href=/sensors*"], ["/sensors", "/sensors/temp", "/sensors/light"]],
  [["href=*"], ALL],
  [["ct=50"], ["/sensors/light"]],
  [["ct=40"], ["/sensors"]],
  [["ct=4"], []],
  [["sz=12"], ["/sensors/light"]],
  [["obs"], ["/sensors/temp"]],
  [["obs="], ["/sensors/temp"]],
  [["obs=1"], []],
  [["title=Sensor Index"], ["/sensors"]],
  [["title=Sensor*"], ["/sensors"]],
  [["anchor=/sensors/temp"], ["http://example.com/t123"]],
  [["rel=describedby"], ["http://example.com/t123"]],
  [["rel=x"], ["http://example.com/t123"]],
  [["rel=alternate"], ["/t"]],
  [["rel=ignored"], []],
  [["nothing=*"], []],
  [["="], []],
  [[""], []],
] as const) {
  test(`?${query.join("&")} (RFC 6690 4.1)`, () => {
    assert.deepEqual(
      filterLinks(LINKS, query).map(({ target }) => target),
      expected,
    );
  });
}
