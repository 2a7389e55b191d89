import type { SerialPort } from "serialport";
import { messageOf, WeirError } from "../core/errors.js";
import type { SerialLine } from "../profile/index.js";
import type { ByteLine } from "./line.js";

/**
 * Opens a serial port of this machine to be the device at its end: the other end of a cable, or of a pseudo-terminal.
 * `lost` is called once when the port fails or is unplugged. Rejects with PORT_FAILED.
 */
export async function openPortLine(
  path: string,
  settings: SerialLine,
  lost: (why: WeirError) => void,
): Promise<ByteLine> {
  // Only whoever plays on a real port loads the native binding.
  const { SerialPort: Port } = await import("serialport");
  const { baudRate, dataBits, parity, stopBits } = settings;
  const port = new Port({ path, baudRate, dataBits, parity, stopBits, autoOpen: false });
  let over = false;
  const lose = (what: string): void => {
    if (over) return;
    over = true;
    lost(new WeirError("PORT_FAILED", `${path} failed: ${what}`));
  };
  // Before anything can go wrong: an error event that nobody listens to would end the process.
  port.on("error", (error) => lose(messageOf(error)));
  await settled(path, (done) => port.open(done));
  port.on("close", () => lose("it was closed or unplugged"));
  return {
    write: async (bytes) => {
      if (!port.isOpen) throw new WeirError("PORT_FAILED", `${path} is closed`);
      await settled(path, (done) => port.write(Buffer.from(bytes), (error) => done(error ?? null)));
    },
    onData: (hear) => {
      port.removeAllListeners("data");
      port.on("data", (chunk: Buffer) => hear(chunk));
    },
    close: () => {
      over = true;
      return closePort(port);
    },
  };
}

function settled(path: string, run: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => {
      if (error === null) resolve();
      else reject(new WeirError("PORT_FAILED", `${path} cannot be used: ${error.message}`, { cause: error }));
    });
  });
}

function closePort(port: SerialPort): Promise<void> {
  if (!port.isOpen) return Promise.resolve();
  // What was not sent yet is thrown away: closing would wait for it, for ever where nobody reads.
  return new Promise((resolve) => port.flush(() => (port.isOpen ? port.close(() => resolve()) : resolve())));
}
