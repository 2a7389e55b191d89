// `node scripts/arrows.mjs [ROOT]`: who may import whom. Part of `npm run lint`; a wrong arrow fails it.
// Biome's noRestrictedImports compares the text of a specifier, and "../core/x.js" means another folder at every depth, so
// the specifiers are resolved here and looked up in one table of what is allowed.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { argv, exit, stderr, stdout } from "node:process";

/** Below the gateway and above the core. They do not import each other. */
const LOWER = ["outbox", "link", "profile", "config", "clock"];
/** What the gateway puts together. They do not import each other. */
const UPPER = ["web", "bridge", "broker", "router", "trace", "simulator"];
const PROTOCOLS = ["protocols", "senml"];
const PARTS = [...UPPER, ...LOWER, ...PROTOCOLS, "core"];

/**
 * A layer: the files it holds, and the other layers they may import. The first that holds a file has it.
 *
 * @type {readonly { name: string, holds: RegExp, may: readonly string[] }[]}
 */
const LAYERS = [
  { name: "core", holds: /^src\/core\//, may: [] },
  { name: "config", holds: /^src\/config\//, may: ["core"] },
  { name: "link", holds: /^src\/link\//, may: ["core"] },
  { name: "outbox", holds: /^src\/outbox\//, may: ["core"] },
  { name: "clock", holds: /^src\/clock\//, may: ["core"] },
  { name: "profile", holds: /^src\/profile\//, may: ["core", ...PROTOCOLS] },
  // Libraries that could be published alone. SenML is apart because the router formats payloads with it.
  { name: "senml", holds: /^src\/protocols\/senml\//, may: ["protocols"] },
  { name: "protocols", holds: /^src\/protocols\//, may: ["senml"] },
  { name: "router", holds: /^src\/router\//, may: [...LOWER, "core", "senml"] },
  { name: "broker", holds: /^src\/broker\//, may: [...LOWER, "core", ...PROTOCOLS] },
  { name: "bridge", holds: /^src\/bridge\//, may: [...LOWER, "core", ...PROTOCOLS] },
  { name: "trace", holds: /^src\/trace\//, may: [...LOWER, "core"] },
  { name: "web", holds: /^src\/web\//, may: [...LOWER, "core"] },
  { name: "simulator", holds: /^src\/simulator\//, may: ["profile", "config", "core", ...PROTOCOLS] },
  // Other programs' configurations as ours.
  { name: "import", holds: /^src\/import\//, may: ["config", "core"] },
  {
    name: "gateway",
    holds: /^src\/(gateway|plan|simulated|uplink)\.ts$/,
    may: ["adapters/index.ts", "start", ...PARTS],
  },
  {
    name: "main",
    holds: /^src\/(main\.ts$|cli\/)/,
    may: ["gateway", "start", "import", "adapters/index.ts", ...PARTS],
  },
  // The other files of src/ itself: pieces of the command and of the gateway.
  { name: "start", holds: /^src\/[^/]+$/, may: ["gateway", ...PARTS] },
  { name: "adapters/index.ts", holds: /^adapters\/[^/]+$/, may: ["adapter", "core", "profile"] },
  { name: "adapter", holds: /^adapters\/[^/]+\//, may: ["core", "profile", ...PROTOCOLS] },
];

const STATIC = /\b(?:from|import)\s*["']([^"']+)["']/g;
const DYNAMIC = /\bimport\s*\(\s*(?:["'`]([^"'`$]+)["'`])?/g;

/** @param {string} path relative to the root, with slashes */
function layerOf(path) {
  return LAYERS.find((layer) => layer.holds.test(path));
}

/**
 * The folder of one adapter, since adapters do not know each other; otherwise the layer's name.
 *
 * @param {string} layer
 * @param {string} path
 */
function houseOf(layer, path) {
  return layer === "adapter" ? path.split("/").slice(0, 2).join("/") : layer;
}

/**
 * @param {string} root
 * @param {string} file relative to the root
 * @returns {string[]} one line a wrong arrow
 */
function wrongArrows(root, file) {
  const from = layerOf(file);
  if (from === undefined) return [`${file}: is in no layer: name its folder in scripts/arrows.mjs`];
  const text = readFileSync(join(root, file), "utf8");
  /** @type {string[]} */
  const wrong = [];

  /** @param {RegExpMatchArray} match */
  const at = (match) => `${file}:${text.slice(0, match.index).split("\n").length}`;
  for (const match of [...text.matchAll(STATIC), ...text.matchAll(DYNAMIC)]) {
    const specifier = match[1];
    if (specifier === undefined) {
      wrong.push(`${at(match)}: imports a computed path: import by a literal, so that the arrow can be seen`);
      continue;
    }
    if (!specifier.startsWith(".")) continue;
    const target = relative(root, resolve(root, dirname(file), specifier)).replace(/\.js$/, ".ts");
    const to = layerOf(target);
    if (to === undefined) {
      // JSON and package.json beside the layers are data, not code.
      if (!target.endsWith(".json")) wrong.push(`${at(match)}: imports ${target}, which is in no layer`);
      continue;
    }
    const same = houseOf(from.name, file) === houseOf(to.name, target);
    if (!same && !from.may.includes(to.name)) {
      wrong.push(`${at(match)}: ${from.name} must not import ${to.name} (${specifier})`);
    }
  }
  return wrong;
}

const root = resolve(argv[2] ?? join(import.meta.dirname, ".."));
const files = ["src", "adapters"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name))),
);
const wrong = files.sort().flatMap((file) => wrongArrows(root, file));
if (wrong.length === 0) {
  stdout.write(`arrows: ${files.length} files import only what they may\n`);
} else {
  stderr.write(`${wrong.join("\n")}\narrows: ${wrong.length} wrong imports\n`);
  exit(1);
}
