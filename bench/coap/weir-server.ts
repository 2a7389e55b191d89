// `node weir-server.js PORT`: the CoAP library of Weir alone, which takes every PUT and POST and lets every GET be observed.
import { argv } from "node:process";
import { openEndpoint } from "../../src/protocols/coap/index.js";
import { openUdp } from "../../src/protocols/datagram/index.js";

openEndpoint(await openUdp({ host: "127.0.0.1", port: Number(argv[2]) }), {
  maxObservers: 1_000_000,
  handler: async ({ method }) =>
    method === "0.01" ? { code: "2.05", payload: "21.5", observe: () => () => {} } : { code: "2.04" },
});
