// `node npm-server.js PORT`: npm's coap as it comes, which does the same. A peer of the CoAP benchmark.
import { argv } from "node:process";
import { createServer } from "coap";

createServer((request, response) => {
  if (request.method === "GET") {
    // Where it is observed, the response stays open.
    if (request.headers.Observe === 0) response.write("21.5");
    else response.end("21.5");
    return;
  }
  response.code = "2.04";
  response.end();
}).listen(Number(argv[2]), "127.0.0.1");
