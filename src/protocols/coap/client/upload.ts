import { CoapError } from "../errors.js";
import type { Option } from "../message.js";
import { type Block, block, blockOption, blockSize, OPTION, uint } from "../options.js";
import type { Answer, Outgoing } from "./answer.js";

/** What a datagram should carry at most, so that no link has to cut it (RFC 7252 4.6): blocks of 1024 bytes. */
const LARGEST_SZX = 6;

export type UploadStep =
  /** `outgoing` is to be sent next. */
  | { readonly kind: "send" }
  /** The server has the body, or refuses it. The answer may itself be the first block of several. */
  | { readonly kind: "answered" }
  | { readonly kind: "failed"; readonly error: CoapError };

/**
 * Brings the body of one request to a server, in blocks where it is larger than one (RFC 7959 2.5). The offset of each block is
 * where the last one that was taken ended. It begins anew where the server asks for smaller blocks (2.9.3), each time for smaller
 * ones, and once where it lost the beginning (2.9.2): so it comes to an end with any server.
 */
export class Upload {
  readonly #payload: Uint8Array;
  readonly #head: Pick<Outgoing, "code" | "options">;
  /** Of a fresh tag for each beginning (RFC 9175 3.4); undefined: bodies are not tagged. */
  readonly #tag: (() => Uint8Array) | undefined;
  #requestTag: Option | undefined;
  #szx = LARGEST_SZX;
  #offset = 0;
  #begunAnew = false;

  constructor(head: Pick<Outgoing, "code" | "options">, payload: Uint8Array, tag: (() => Uint8Array) | undefined) {
    this.#head = head;
    this.#payload = payload;
    this.#tag = tag;
    this.#begin();
  }

  /** It does not fit into one message, or the server wants it in pieces. */
  get inBlocks(): boolean {
    return this.#payload.length > blockSize(this.#szx);
  }

  /** Options that go with all messages of the transfer, those that fetch the answer too (RFC 9175 3.4). */
  get options(): readonly Option[] {
    return this.#requestTag === undefined ? this.#head.options : [...this.#head.options, this.#requestTag];
  }

  get outgoing(): Outgoing {
    const { code } = this.#head;
    if (!this.inBlocks) return { code, options: this.options, payload: this.#payload };
    const current = this.#block;
    const options = [...this.options, block(OPTION.block1, current)];
    if (current.num === 0) options.push(uint(OPTION.size1, this.#payload.length));
    return { code, options, payload: this.#payload.subarray(this.#offset, this.#offset + blockSize(this.#szx)) };
  }

  take({ code, options }: Answer): UploadStep {
    const answered = blockOption(options, OPTION.block1);
    if (code === "4.13" && answered !== undefined && answered.szx < this.#szx) {
      const before = this.#szx;
      this.#szx = answered.szx;
      if (this.inBlocks) return this.#begin();
      this.#szx = before;
    }
    if (!this.inBlocks) return code === "2.31" ? failed("it wants a further block of a body that was whole") : ANSWERED;
    if (code === "4.08" && !this.#begunAnew) {
      this.#begunAnew = true;
      return this.#begin();
    }
    const current = this.#block;
    if (!current.more) return code === "2.31" ? failed("it wants a block after the last one") : ANSWERED;
    // An error is the answer to it all (RFC 7959 2.9).
    if (!code.startsWith("2.")) return ANSWERED;
    // Whether it keeps the blocks or works them in one by one (RFC 7959 2.3, figure 8): it names the one that it took.
    if (answered === undefined) return failed("it answered the first blocks as if they were all");
    if (answered.num !== current.num || answered.szx === 7) return failed("it took a block that was not sent");
    this.#offset += blockSize(this.#szx);
    if (answered.szx < this.#szx) this.#szx = answered.szx;
    return SEND;
  }

  get #block(): Block {
    const size = blockSize(this.#szx);
    return { num: this.#offset / size, more: this.#offset + size < this.#payload.length, szx: this.#szx };
  }

  #begin(): UploadStep {
    this.#offset = 0;
    if (this.#tag !== undefined && this.inBlocks) {
      this.#requestTag = { number: OPTION.requestTag, value: this.#tag() };
    }
    return SEND;
  }
}

const SEND: UploadStep = { kind: "send" };
const ANSWERED: UploadStep = { kind: "answered" };

function failed(why: string): UploadStep {
  return { kind: "failed", error: new CoapError("BLOCKS", `the server does not keep to RFC 7959: ${why}`) };
}
