import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs that integration tests talk to, and the package that has each. `npm run setup:peers` installs them. */
const PACKAGES = {
  socat: "socat",
  mosquitto: "mosquitto",
  mosquitto_sub: "mosquitto-clients",
  "coap-client-notls": "libcoap3-bin",
  "coap-client-openssl": "libcoap3-bin",
  "coap-client-gnutls": "libcoap3-bin",
  "coap-server-notls": "libcoap3-bin",
  "coap-server-openssl": "libcoap3-bin",
  "coap-server-gnutls": "libcoap3-bin",
  "gnutls-cli": "gnutls-bin",
  openssl: "openssl",
  "systemd-notify": "systemd",
  perl: "perl-base",
  "redis-server": "redis-server",
  "nats-server": "nats-server",
  "rabbitmq-server": "rabbitmq-server",
  ejabberdctl: "ejabberd",
  "node-dtls-client": "node-dtls-client of test/peers",
} as const;

export type Peer = keyof typeof PACKAGES;

/** Where a program is, or undefined. Debian keeps servers in /usr/sbin, which is not on every user's PATH. */
export function locate(program: string): string | undefined {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/bin"]) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** Where an npm package of test/peers is, or would be. */
export function peerModule(name: string): string {
  return join(import.meta.dirname, "../../../test/peers/node_modules", name);
}

/** Test options: skipped, with the packages to install, where a peer is missing; an error instead where CI lets nothing be skipped. */
export function needs(...peers: Peer[]): { skip: string | false } {
  const missing = peers
    .filter((peer) => locate(peer) === undefined && !existsSync(peerModule(peer)))
    .map((peer) => PACKAGES[peer]);
  if (missing.length === 0) return { skip: false };
  const advice = `needs ${missing.join(", ")}: npm run setup:peers installs it`;
  if (process.env["WEIR_REQUIRE_PEERS"] === "1") throw new Error(advice);
  return { skip: advice };
}
