import type { Readable, Writable } from "node:stream";

/** Longest password, in bytes: what MQTT carries (MQTT 3.1.1, 3.1.3.5). */
const LONGEST = 65_535;

/** The part of a terminal that is needed: in raw mode it shows nothing of what is typed. */
export interface Terminal extends Readable {
  setRawMode(raw: boolean): unknown;
}

const ENTER = new Set([0x0a, 0x0d]);
const ERASE = new Set([0x08, 0x7f]);
const [CTRL_C, CTRL_D, CTRL_U] = [0x03, 0x04, 0x15];

/** Asks for passwords without showing what is typed, from before the first question until after the last. What went wrong is text. */
export async function askSecrets(
  terminal: Terminal,
  prompt: Writable,
  questions: readonly string[],
): Promise<Uint8Array[] | string> {
  terminal.setRawMode(true);
  try {
    const secrets: Uint8Array[] = [];
    for (const question of questions) {
      prompt.write(question);
      const secret = await typed(terminal);
      prompt.write("\n");
      if (typeof secret === "string") return secret;
      secrets.push(secret);
    }
    return secrets;
  } finally {
    terminal.setRawMode(false);
    terminal.pause();
  }
}

function typed(terminal: Terminal): Promise<Uint8Array | string> {
  return new Promise((resolve) => {
    const bytes: number[] = [];
    const end = (result: Uint8Array | string): void => {
      terminal.off("data", hear);
      terminal.off("end", gone);
      resolve(result);
    };
    const gone = (): void => end("nothing was entered");
    const hear = (chunk: Buffer): void => {
      for (const [index, byte] of chunk.entries()) {
        if (ENTER.has(byte)) {
          end(checked(Uint8Array.from(bytes)));
          // Both answers may be pasted at once.
          const rest = chunk.subarray(index + 1);
          if (rest.length > 0) terminal.unshift(rest);
          return;
        }
        if (byte === CTRL_C || byte === CTRL_D) {
          gone();
          return;
        }
        if (byte === CTRL_U) bytes.length = 0;
        else if (ERASE.has(byte)) erase(bytes);
        else if (bytes.length <= LONGEST) bytes.push(byte);
      }
    };
    terminal.on("data", hear).on("end", gone);
    terminal.resume();
  });
}

/** One character of UTF-8: the bytes that continue it, and the one that began it. */
function erase(bytes: number[]): void {
  while (((bytes.at(-1) ?? 0) & 0xc0) === 0x80) bytes.pop();
  bytes.pop();
}

/** The first line of a stream. What went wrong comes as text. */
export async function readSecret(stream: Readable): Promise<Uint8Array | string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    const end = bytes.indexOf(0x0a);
    chunks.push(end < 0 ? bytes : bytes.subarray(0, end));
    length += bytes.length;
    if (end >= 0 || length > LONGEST + 2) break;
  }
  const line = Buffer.concat(chunks);
  return checked(line.at(-1) === 0x0d ? line.subarray(0, -1) : line);
}

function checked(password: Uint8Array): Uint8Array | string {
  if (password.length === 0) return "a password must not be empty: nothing was changed";
  if (password.length > LONGEST) return `a password must be at most ${LONGEST} bytes long: nothing was changed`;
  return password;
}
