import { parseListener } from "../../config/listener-url.js";
import { printable } from "../../config/problems.js";
import { inUrl } from "./address.js";
import { type Draft, MOST } from "./draft.js";
import { type Setting, whole, words } from "./lines.js";
import type { Notes } from "./notes.js";
import type { Sections } from "./sections.js";
import { type Settings, settingsOf } from "./settings.js";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/i;

/**
 * Plain listeners as ours. What mosquitto guards is not opened to everybody: a listener with TLS, and one that the network
 * reaches and that asks for a name or has access rules, is left out with an error.
 */
export function toListeners(found: Sections, notes: Notes): Draft["listeners"] {
  const everybody = settingsOf(found.access, notes);
  const own = settingsOf(found.defaultListener, notes);
  const port = own.setting("port");
  const bind = own.setting("bind_address");
  const wanted = found.listeners.map((section) => ({
    head: section.head,
    address: words(section.head),
    settings: settingsOf(section.settings, notes),
  }));
  const head = port ?? bind;
  if (head !== undefined) {
    const address = [port === undefined ? "1883" : (words(port)[0] ?? ""), ...(bind === undefined ? [] : words(bind))];
    wanted.unshift({ head, address, settings: own });
  } else if (wanted.length === 0) {
    for (const setting of found.defaultListener.concat(found.access))
      notes.once(setting, "left out: mosquitto listens on this machine only, and so does Weir");
    return [];
  } else
    for (const setting of found.defaultListener)
      notes.once(setting, "left out: it is the default listener's, which is not opened");

  const listeners = wanted.flatMap(({ head: place, address, settings }) => {
    const url = toListener(address, settings, everybody, (note) => notes.note(place, note));
    if ("url" in url) return [{ url: url.url, place }];
    notes.error(place, `this listener is left out: ${url.problem}`);
    return [];
  });
  tellAccess([...found.access, ...found.listeners.flatMap(({ settings }) => settings)], notes);
  for (const { place } of listeners.slice(MOST.listeners))
    notes.error(place, `left out: there can be ${MOST.listeners} listeners at most`);
  return listeners.slice(0, MOST.listeners);
}

function toListener(
  [portText, ...hosts]: readonly string[],
  settings: Settings,
  everybody: Settings,
  note: (message: string) => void,
): { readonly url: string } | { readonly problem: string } {
  const port = whole(portText, 0, 65_535);
  const given = hosts.join(" ").trim();
  if (port === undefined) return { problem: "it has no port between 1 and 65535" };
  if (port === 0) return { problem: "Weir listens on TCP ports, not on a Unix socket" };
  const problem = unsafe(settings, everybody, LOOPBACK.test(given));
  if (problem !== undefined) return { problem };
  const domain = settings.text("socket_domain");
  const all = domain === "ipv6" ? "[::]" : "0.0.0.0";
  const protocol = settings.text("protocol") ?? "mqtt";
  if (protocol !== "mqtt" && protocol !== "websockets")
    return { problem: `Weir has no listeners of protocol ${printable(protocol)}` };
  const url = `${protocol === "mqtt" ? "tcp" : "ws"}://${given === "" ? all : inUrl(given)}:${port}`;
  if (given === "" && domain === undefined)
    note("listens on every IPv4 address; for IPv6 as well write [::] in the place of 0.0.0.0");
  const parsed = parseListener(url);
  return typeof parsed === "string" ? { problem: `its address ${parsed}` } : { url };
}

/** Why opening it as ours would let in whom mosquitto keeps out. */
function unsafe(settings: Settings, everybody: Settings, loopback: boolean): string | undefined {
  const has = (...keys: string[]): boolean => settings.has(...keys) || everybody.has(...keys);
  if (settings.has("certfile", "keyfile", "psk_hint")) return "it uses TLS, and listeners with TLS are not imported";
  if (settings.has("mount_point")) return "mount_point puts its clients' topics elsewhere, which Weir does not";
  if (loopback) return undefined;
  if (settings.has("bind_interface"))
    return "bind_interface holds it to one interface: write the address of that interface";
  if (has("acl_file", "auth_plugin", "plugin", "global_plugin"))
    return "access rules guard it, which are not imported, and the network reaches it";
  const anonymous = settings.flag("allow_anonymous") ?? everybody.flag("allow_anonymous");
  if (anonymous !== true)
    return "the network reaches it, and without allow_anonymous true mosquitto asks for a user name: users are not imported";
  return undefined;
}

/** Once all is decided: what it was decided by is not carried over as such. */
function tellAccess(settings: readonly Setting[], notes: Notes): void {
  const reasons: Readonly<Record<string, string>> = {
    allow_anonymous: "users are not imported: whoever reaches a listener of Weir may publish and subscribe",
    bind_interface: "left out: the address of a listener says where it listens",
    mount_point: "left out, with its listener",
  };
  for (const setting of settings)
    if (setting.key !== "protocol" && setting.key !== "socket_domain")
      notes.once(
        setting,
        reasons[setting.key] ?? "left out: users, access rules and TLS of listeners are not imported",
      );
}
