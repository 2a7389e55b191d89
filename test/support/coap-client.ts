import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Play } from "./case.js";
import { locate } from "./peers.js";

const run = promisify(execFile);

/** Sends one request by libcoap's client. Its exit status is 0 even on 4.xx: what it prints at level 6 tells the code. */
export async function coapRequest(port: number, request: Play["coap"][number]): Promise<string> {
  const client = locate("coap-client-notls") ?? "coap-client-notls";
  const { method, path, format, text, hex, confirmable } = request;
  const body = hex === undefined ? text : hex.replace(/\s/g, "").replace(/../g, "%$&");
  const args = ["-v", "6", "-B", "10", "-m", method];
  if (!confirmable) args.push("-N");
  if (format !== undefined) args.push("-t", format);
  if (body !== undefined) args.push("-e", hex === undefined ? body.replaceAll("%", "%25") : body);
  const { stdout, stderr } = await run(client, [...args, `coap://127.0.0.1:${port}/${path}`], { timeout: 15_000 });
  return `${stdout}${stderr}`;
}
