import type { Entry } from "../../../src/core/journal.js";
import type { HandshakeFailure } from "../../../src/protocols/dtls/index.js";

/** Of an identity that somebody claims, in the log. */
const SHOWN = 64;

/** What is to be told of a handshake that failed. `known`: whether there is a key of an identity. */
export function failedHandshake(
  failure: HandshakeFailure,
  url: string,
  known: (identity: string) => boolean,
): Pick<Entry, "message" | "reason"> {
  const { from, claimed } = failure;
  const stranger = failure.reason === "undecryptable" && claimed !== undefined && !known(claimed);
  const message = `no session with ${from.address} port ${from.port} on ${url}: ${stranger ? unknown(claimed) : why(failure)}`;
  return { message, reason: stranger ? "unknown_identity" : failure.reason };
}

function unknown(identity: string): string {
  return `there is no key of the identity ${shown(identity)} in adapters.coap.dtls.psk`;
}

function why({ reason, detail, claimed }: HandshakeFailure): string {
  switch (reason) {
    case "undecryptable":
      return claimed === undefined
        ? "it has other keys than it should"
        : `it has another key than that of the identity ${shown(claimed)}`;
    case "refused":
      return `it was refused: ${detail}`;
    case "alert":
      return `it ended the handshake with ${detail}`;
    case "timeout":
      return "it fell silent";
    default:
      return reason;
  }
}

function shown(identity: string): string {
  return JSON.stringify(identity.length > SHOWN ? `${identity.slice(0, SHOWN)}...` : identity);
}
