/** Counts the MQTT packets of a byte stream by type, without keeping any of it (MQTT 3.1.1, 2.2). */
export interface FrameCounter {
  /** Bytes seen. */
  readonly bytes: number;
  /** Packets of a type whose last byte has been seen; 3 is PUBLISH, 4 is PUBACK. */
  count(type: number): number;
  take(chunk: Uint8Array): void;
}

export function frameCounter(): FrameCounter {
  const counts = new Array<number>(16).fill(0);
  let bytes = 0;
  let type = 0;
  /** What the next byte is: the fixed header's first, one of the remaining length, or of the body. */
  let at: "head" | "length" | "body" = "head";
  /** Bytes of the body that are to come. */
  let left = 0;
  let unit = 1;

  const end = (): void => {
    counts[type] = (counts[type] ?? 0) + 1;
    at = "head";
  };

  return {
    get bytes() {
      return bytes;
    },
    count: (wanted) => counts[wanted] ?? 0,
    take: (chunk) => {
      bytes += chunk.length;
      for (let index = 0; index < chunk.length; ) {
        if (at === "body") {
          const here = Math.min(left, chunk.length - index);
          left -= here;
          index += here;
          if (left === 0) end();
          continue;
        }
        const byte = chunk[index] ?? 0;
        index += 1;
        if (at === "head") {
          type = byte >> 4;
          at = "length";
          left = 0;
          unit = 1;
          continue;
        }
        left += (byte & 0x7f) * unit;
        unit *= 128;
        if (byte >= 0x80) continue;
        at = "body";
        if (left === 0) end();
      }
    },
  };
}
