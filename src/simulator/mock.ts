import type { ByteLine } from "./line.js";

/** The wire of a mock port, as the device at its far side sees it. */
export interface FarSide {
  /** Lost where nobody has the port open. */
  send(bytes: Uint8Array): void;
}

/** What the serial adapter's mock ports want of the device at the far side. */
export interface FarDevice {
  /** The port was opened. Returns what is called when it is closed. */
  opened(far: FarSide): () => void;
  received(bytes: Uint8Array, far: FarSide): void;
}

/** A line without a pseudo-terminal: serialport's own mock binding carries the bytes. What is said to a closed port is lost. */
export function mockLine(): { readonly line: ByteLine; readonly far: FarDevice } {
  let wire: FarSide | undefined;
  let hear: (bytes: Uint8Array) => void = () => {};
  let closed = false;
  return {
    far: {
      opened: (far) => {
        wire = far;
        return () => {
          if (wire === far) wire = undefined;
        };
      },
      received: (bytes) => {
        if (!closed) hear(bytes);
      },
    },
    line: {
      write: async (bytes) => {
        if (!closed) wire?.send(bytes);
      },
      onData: (listener) => {
        hear = listener;
      },
      close: async () => {
        closed = true;
      },
    },
  };
}
