import { WeirError } from "../../src/core/errors.js";
import { type OpenPort, openStream, streamOptions } from "./port.js";

/** The wire as the device sees it. */
export interface FarSide {
  /** Sends bytes to whoever has the port open. Lost while nobody has, and when nobody reads for long, as on a wire. */
  send(bytes: Uint8Array): void;
}

/** What a device at the far side does. */
export interface FarDevice {
  /** The port was opened. Returns what ends the device's part when it is closed. */
  opened?(far: FarSide): () => void;
  /** Bytes came from the gateway. */
  received?(bytes: Uint8Array, far: FarSide): void;
}

/** What the wire keeps for a reader that has paused, in bytes: as much as Linux keeps of a tty. */
const MAX_UNREAD = 4_096;

/**
 * Ports over serialport's mock binding, for tests and demonstrations where there is no pseudo-terminal: the stream, its
 * buffers and its errors are serialport's own, only the wire is missing.
 * @param devices what is at the far side, by path.
 */
export function mockPorts(devices: ReadonlyMap<string, FarDevice>): OpenPort {
  const created = new Set<string>();
  return async (path, line, events, signal) => {
    const device = devices.get(path);
    if (device === undefined) throw new WeirError("PORT_NOT_FOUND", `there is no ${path}`);
    const { SerialPortMock } = await import("serialport");
    // Creating it anew would forget that somebody has it open.
    if (!created.has(path)) SerialPortMock.binding.createPort(path);
    created.add(path);
    const stream = new SerialPortMock(streamOptions(path, line));
    const port = await openStream(stream, events, signal);
    const far: FarSide = {
      send: (bytes) => {
        const unread = stream.port?.port.data.length ?? 0;
        if (stream.isOpen && unread < MAX_UNREAD) stream.port?.emitData(Buffer.from(bytes));
      },
    };
    const end = device.opened?.(far);
    return {
      ...port,
      write: async (bytes) => {
        await port.write(bytes);
        device.received?.(bytes, far);
      },
      close: async () => {
        end?.();
        await port.close();
      },
    };
  };
}
