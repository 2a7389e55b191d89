import type { CoapError } from "../errors.js";
import type { Option, Code } from "../message.js";
import { blockOption, OPTION, uint } from "../options.js";
import type { Answer, Outgoing } from "./answer.js";
import { Download } from "./download.js";
import { Upload } from "./upload.js";

export type TransferStep =
  /** `outgoing` is to be sent next. */
  | { readonly kind: "send" }
  | { readonly kind: "answered"; readonly answer: Answer }
  | { readonly kind: "failed"; readonly error: CoapError };

export interface TransferOptions {
  /** The largest answer, in bytes. */
  readonly maxBody: number;
  /** 0 registers, 1 deregisters (RFC 7641 2). Then the answer is given as it comes, be it the first block of several. */
  readonly observe: 0 | 1 | undefined;
  /** A Request-Tag that was not used before (RFC 9175 3.4); undefined: bodies are not tagged. */
  readonly tag: (() => Uint8Array) | undefined;
}

const GET: Code = "0.01";
const FETCH: Code = "0.05";
const NOTHING = new Uint8Array(0);

/**
 * One request and its answer, in as many messages as they need: the body in blocks, the answer in blocks (RFC 7959), and again
 * with an Echo where the server wants to see that the request is fresh (RFC 9175 2.3). Pure, and without an idea of messages
 * being lost: one message out, its answer in.
 */
export class Transfer {
  readonly #request: Outgoing;
  readonly #options: TransferOptions;
  readonly #upload: Upload;
  #download: Download | undefined;
  #echo: Option | undefined;
  /** The last message was sent for the sake of its Echo alone. */
  #echoed = false;

  constructor(request: Outgoing, options: TransferOptions) {
    this.#request = request;
    this.#options = options;
    const head =
      options.observe === undefined ? request.options : [...request.options, uint(OPTION.observe, options.observe)];
    this.#upload = new Upload({ code: request.code, options: head }, request.payload, options.tag);
  }

  /** Its body goes in several messages. */
  get inBlocks(): boolean {
    return this.#upload.inBlocks;
  }

  /** The message to be sent next. */
  get outgoing(): Outgoing {
    const message = (this.#download ?? this.#upload).outgoing;
    return this.#echo === undefined ? message : { ...message, options: [...message.options, this.#echo] };
  }

  take(answer: Answer): TransferStep {
    const echo = answer.options.find(({ number }) => number === OPTION.echo);
    // The newest one goes with all that follows, whatever it came with.
    this.#echo = echo ?? this.#echo;
    if (echo !== undefined && answer.code === "4.01" && !this.#echoed) {
      this.#echoed = true;
      return { kind: "send" };
    }
    this.#echoed = false;
    if (this.#download === undefined) {
      const step = this.#upload.take(answer);
      if (step.kind !== "answered") return step;
      if (this.#options.observe !== undefined) return { kind: "answered", answer };
    }
    this.#download ??= this.#startDownload(true);
    return this.#fetch(this.#download, answer);
  }

  /** From the first block of an answer on, wherever it came from: what is missing of it. */
  follow(answer: Answer): TransferStep {
    this.#download ??= this.#startDownload(false);
    return this.#fetch(this.#download, answer);
  }

  #fetch(download: Download, answer: Answer): TransferStep {
    const step = download.take(answer);
    return step.kind === "whole" ? { kind: "answered", answer: step.answer } : step;
  }

  /** `own`: the first block answers a request of this transfer, which may be made again. */
  #startDownload(own: boolean): Download {
    const { code, payload } = this.#request;
    // RFC 7959 2.7: who asks for the rest of an answer does not send the body again, but that of a FETCH says what is asked for.
    const repeatable = code === GET || (code === FETCH && !this.inBlocks);
    const carried = code === FETCH && !this.inBlocks ? payload : NOTHING;
    return new Download({
      code,
      options: this.#upload.options.filter(({ number }) => number !== OPTION.observe),
      payload: carried,
      repeatable,
      enlargeable: own && repeatable,
      maxBody: this.#options.maxBody,
    });
  }
}

/** There is more of it than this message has. */
export function isPartial({ options }: Answer): boolean {
  return blockOption(options, OPTION.block2)?.more === true;
}
