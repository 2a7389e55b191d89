import { CoapError } from "../errors.js";
import type { Code, Option } from "../message.js";
import { type Block, block, blockOption, blockSize, contentFormat, OPTION, uintOption } from "../options.js";
import type { Answer, Outgoing } from "./answer.js";

export type DownloadStep =
  /** `outgoing` is to be sent next. */
  | { readonly kind: "send" }
  | { readonly kind: "whole"; readonly answer: Answer }
  | { readonly kind: "failed"; readonly error: CoapError };

export interface DownloadOptions {
  readonly code: Code;
  /** Of the request. */
  readonly options: readonly Option[];
  /** Goes with every request: the body of a FETCH is part of what it asks for (RFC 8132 2). */
  readonly payload: Uint8Array;
  /** It may be asked for again from the beginning: it changes nothing, and the requests carry all that it depends on. */
  readonly repeatable: boolean;
  /** So it may for larger blocks: what answers is what is asked for, not the first block of something that happened (RFC 7641). */
  readonly enlargeable: boolean;
  readonly maxBody: number;
}

/** What a datagram should carry at most, so that no link has to cut it (RFC 7252 4.6): blocks of 1024 bytes. */
const LARGEST_SZX = 6;
/** An answer that changes while it is fetched is fetched so many times anew. */
const MAX_RESTARTS = 3;

/**
 * Puts an answer together that comes in blocks (RFC 7959 2.4). Each block but the last is full and begins where the one before
 * ended, so a server that always says that there is more comes to the bound of the body after `maxBody` / 16 messages at most.
 */
export class Download {
  readonly #asked: DownloadOptions;
  #first: Answer | undefined;
  #body = new Uint8Array(0);
  #length = 0;
  #szx = 0;
  #restarts = 0;
  #enlarged = false;

  constructor(asked: DownloadOptions) {
    this.#asked = asked;
  }

  /** The request for the block that is missing next. */
  get outgoing(): Outgoing {
    const { code, options, payload } = this.#asked;
    const next: Block = { num: this.#length / blockSize(this.#szx), more: false, szx: this.#szx };
    return { code, options: [...options, block(OPTION.block2, next)], payload };
  }

  take(answer: Answer): DownloadStep {
    const first = this.#first;
    const part = blockOption(answer.options, OPTION.block2);
    if (first === undefined) return this.#begin(answer, part);
    // RFC 7959 2.4 leaves open what an error in the middle means: that there is no such block any more, or nothing at all.
    if (!answer.code.startsWith("2.")) return this.#mayRestart ? this.#restart() : { kind: "whole", answer };
    if (!sameVersion(first, answer)) {
      return this.#mayRestart ? this.#restart() : failed("it changed while it was fetched");
    }
    if (part === undefined) return failed("a block was answered without saying which");
    if (part.szx > this.#szx || part.num * blockSize(part.szx) !== this.#length)
      return failed("it is not the next block");
    return this.#keep(first, part, answer.payload);
  }

  get #mayRestart(): boolean {
    return this.#asked.repeatable && this.#restarts < MAX_RESTARTS;
  }

  #begin(answer: Answer, part: Block | undefined): DownloadStep {
    const { maxBody } = this.#asked;
    if (answer.payload.length > maxBody) return tooLarge(maxBody);
    if (part === undefined) return { kind: "whole", answer };
    if (part.num !== 0) return failed("it began with another block than the first");
    if ((uintOption(answer.options, OPTION.size2) ?? 0) > maxBody) return tooLarge(maxBody);
    if (this.#mayEnlarge(answer, part)) {
      this.#enlarged = true;
      this.#szx = LARGEST_SZX;
      return { kind: "send" };
    }
    this.#first = answer;
    return this.#keep(answer, part, answer.payload);
  }

  /**
   * A server that doubts our address answers in small blocks, with an Echo that goes with the next request and ends the doubt (RFC
   * 9175 2.4). The size of all blocks is settled by the first request that names one (RFC 7959 2.4), which is the next one; a block
   * of another size begins at no other byte than the first. So it asks for that again, once, where that saves messages.
   */
  #mayEnlarge({ options }: Answer, { more, szx }: Block): boolean {
    if (!this.#asked.enlargeable || this.#enlarged || this.#restarts > 0 || !more || szx >= LARGEST_SZX) return false;
    const size = uintOption(options, OPTION.size2) ?? Number.POSITIVE_INFINITY;
    return options.some(({ number }) => number === OPTION.echo) && size > 2 * blockSize(szx);
  }

  #keep(first: Answer, { more, szx }: Block, payload: Uint8Array): DownloadStep {
    const size = blockSize(szx);
    if (szx === 7 || payload.length > size || (more && payload.length !== size)) {
      return failed("a block has a size that it must not have");
    }
    const length = this.#length + payload.length;
    // What is still to come has a byte at least.
    if (length + (more ? 1 : 0) > this.#asked.maxBody) return tooLarge(this.#asked.maxBody);
    if (!more && this.#length === 0) return { kind: "whole", answer: first };
    this.#append(payload, length);
    this.#szx = szx;
    if (more) return { kind: "send" };
    return { kind: "whole", answer: { ...first, payload: this.#body.subarray(0, length) } };
  }

  #append(payload: Uint8Array, length: number): void {
    if (length > this.#body.length) {
      // Doubled, so that a body is not copied once for each of its blocks.
      const grown = new Uint8Array(Math.min(this.#asked.maxBody, Math.max(length, this.#body.length * 2)));
      grown.set(this.#body.subarray(0, this.#length));
      this.#body = grown;
    }
    this.#body.set(payload, this.#length);
    this.#length = length;
  }

  #restart(): DownloadStep {
    this.#restarts++;
    this.#first = undefined;
    this.#length = 0;
    return { kind: "send" };
  }
}

/** RFC 7959 2.4: blocks of answers with other ETags are not to be put together. */
function sameVersion(one: Answer, other: Answer): boolean {
  return (
    one.code === other.code &&
    contentFormat(one.options) === contentFormat(other.options) &&
    Buffer.compare(etagOf(one), etagOf(other)) === 0
  );
}

function etagOf({ options }: Answer): Uint8Array {
  return options.find(({ number }) => number === OPTION.etag)?.value ?? NOTHING;
}

const NOTHING = new Uint8Array(0);

function tooLarge(maxBody: number): DownloadStep {
  return { kind: "failed", error: new CoapError("TOO_LARGE", `the answer is larger than ${maxBody} bytes`) };
}

function failed(why: string): DownloadStep {
  return { kind: "failed", error: new CoapError("BLOCKS", `the blocks of the answer do not fit together: ${why}`) };
}
