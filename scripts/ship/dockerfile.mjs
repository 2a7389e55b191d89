import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What can be said of the Dockerfile without building it.
 *
 * @param {string} root
 */
export function* checkDockerfile(root) {
  const lines = instructions(readFileSync(join(root, "Dockerfile"), "utf8"));
  /** @param {string} word */
  const all = (word) => lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

  const stages = all("FROM").map((from) => / AS (\w+)$/.exec(from)?.[1]);
  if (stages.join() !== "build,runtime") throw new Error(`the stages are ${stages.join()}, not build,runtime`);
  for (const copy of all("COPY")) {
    if (copy.startsWith("--from=")) continue;
    for (const source of copy.split(" ").slice(0, -1)) {
      if (!existsSync(join(root, source))) throw new Error(`COPY ${source}: there is no such file`);
    }
  }
  const user = all("USER").at(-1);
  if (user === undefined || /^(root|0)\b/.test(user)) throw new Error("the image would run as root");
  for (const word of ["HEALTHCHECK", "EXPOSE", "ENTRYPOINT", "STOPSIGNAL"]) {
    if (all(word).length === 0) throw new Error(`there is no ${word}`);
  }
  const secrets = [...all("ARG"), ...all("ENV")].filter((line) => /pass|token|secret|key/i.test(line));
  if (secrets.length > 0) throw new Error(`secrets would stay in the image: ${secrets.join(", ")}`);
  yield `two stages, every COPY source exists, runs as ${user}`;
}

/** @param {string} text */
function instructions(text) {
  return text
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim().replace(/\s+/g, " "))
    .filter((line) => line !== "");
}
