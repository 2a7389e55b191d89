// `node plain-aedes.js PORT`: aedes as it comes, behind net.createServer as it comes. A peer of the broker benchmark.
import { createServer } from "node:net";
import { argv } from "node:process";
import { Aedes } from "aedes";

const aedes = await Aedes.createBroker();
createServer((socket) => void aedes.handle(socket)).listen(Number(argv[2]), "127.0.0.1");
