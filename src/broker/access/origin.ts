import { plainAddress, senderOf } from "../../core/ip.js";

/** Whom failures and crowds are counted for: as the listeners count, and all who come through Unix sockets together. */
export function originOf(address: string | undefined): string {
  return address === undefined ? "unix" : senderOf(plainAddress(address));
}
