import { listPorts } from "../../adapters/index.js";

/** `weir ports`: what to write as a serial device's address. */
export async function ports(): Promise<number> {
  const found = await listPorts();
  if (found.length === 0) process.stdout.write("no serial ports found\n");
  for (const port of found) {
    const usb = port.vendorId === undefined ? "" : ` vendorId ${port.vendorId} productId ${port.productId ?? "?"}`;
    const rest = [port.manufacturer, port.serialNumber && `serialNumber ${port.serialNumber}`]
      .filter(Boolean)
      .join(", ");
    process.stdout.write(
      `${port.path}${usb}${rest === "" ? "" : ` (${rest})`}\n${port.byId === undefined ? "" : `  ${port.byId}\n`}`,
    );
  }
  return 0;
}
