import type { CoapError } from "../errors.js";
import type { IncomingResponse } from "./client.js";
import type { Call, Delivery, Observed } from "./handles.js";

/** What the client role has to say to who asks. */
export type ClientEffect =
  /** The end of a request: its answer, or why there is none. Of a ping: undefined if it was answered; of a question to a group: once its time is over. */
  | { readonly kind: "settled"; readonly call: Call; readonly result: IncomingResponse | CoapError | undefined }
  /** One answer of a group. `partial`: only its first block, the rest is to be fetched from who gave it. */
  | { readonly kind: "gathered"; readonly call: Call; readonly response: IncomingResponse; readonly partial: boolean }
  /** A newer state of what is observed: to be answered by `taken` or `refused`, once, at any time. The next one waits for that. */
  | {
      readonly kind: "state";
      readonly observed: Observed;
      readonly delivery: Delivery;
      readonly state: IncomingResponse;
    }
  /** Nothing more comes of what is observed. */
  | { readonly kind: "over"; readonly observed: Observed; readonly why: IncomingResponse | CoapError }
  /** The server knows, or did not answer, that it is observed no more. */
  | { readonly kind: "cancelled"; readonly observed: Observed };
