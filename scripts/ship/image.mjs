import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { getuid } from "node:process";
import { attempt, NotChecked, run } from "./run.mjs";

/** What buildah says when the base image is out of reach: no network, no such host, a registry that refuses. */
const UNREACHABLE =
  /pinging container registry|no such host|initializing source|dial tcp|TLS handshake|toomanyrequests/;
/** What it says where the machine itself forbids mounting and changing the root: a container without the right for it. */
const FORBIDDEN = /operation not permitted|permission denied/i;
const BASE = "localhost/weir-check-base";
const IMAGE = "localhost/weir-check";

/**
 * Builds the image with buildah and runs the command in it. Where the base image cannot be pulled, the same Dockerfile is
 * built on a stand-in that is put together from this machine's own Node, shell and C library: all of the Dockerfile's steps
 * run, on another Debian than they will.
 *
 * @param {string} root
 * @param {string} folder a temporary one
 */
export function* checkImage(root, folder) {
  if (getuid?.() !== 0) throw new NotChecked("building without a container daemon needs root here");
  // Storage of its own, so that nothing stays behind; vfs and chroot need no kernel features and no daemon.
  const storage = ["--storage-driver", "vfs", "--root", join(folder, "root"), "--runroot", join(folder, "run")];
  /** @param {string[]} args */
  const buildah = (...args) => run("buildah", [...storage, ...args], { cwd: root, minutes: 4 });

  // The registry that this user's npm asks, and nothing else of its settings; mounted, so that the image does not keep it.
  const npmrc = join(folder, "npmrc");
  writeFileSync(npmrc, `registry=${run("npm", ["config", "get", "registry"]).trim()}\n`);
  const volume = ["--volume", `${npmrc}:/root/.npmrc:ro`];
  const build = ["bud", "--isolation", "chroot", "--format", "docker", ...volume, "--tag", IMAGE];

  try {
    const pulled = attempt("buildah", [...storage, ...build, "."], { cwd: root, minutes: 4 });
    if (pulled.status === 0) {
      yield "built by buildah on its own base image";
    } else if (UNREACHABLE.test(pulled.text)) {
      const standIn = attempt("sh", [join(root, "scripts", "ship", "stand-in.sh"), BASE, ...storage]);
      if (standIn.status !== 0) {
        const text = `no stand-in for the base image:\n${standIn.text.slice(-1_000)}`;
        throw FORBIDDEN.test(standIn.text) ? new NotChecked(text) : new Error(text);
      }
      buildah(...build, "--build-arg", `NODE_IMAGE=${BASE}`, ".");
      yield "built by buildah on a stand-in of this machine's Node: the base image cannot be pulled here";
    } else {
      throw new Error(`buildah bud:\n${pulled.text.slice(-3_000)}`);
    }

    const container = buildah("from", "--pull-never", IMAGE).trim();
    const inside = ["run", "--isolation", "chroot", container, "--"];
    const id = buildah(...inside, "id").trim();
    if (!id.includes("10001(weir)") || !id.includes("(dialout)")) throw new Error(`the image runs as ${id}`);
    buildah(...inside, "node", "/opt/weir/dist/src/main.js", "--help");
    buildah(...inside, "node", "/opt/weir/dist/src/main.js", "check", "/opt/weir/examples/demo.yaml");
    yield "weir --help and weir check run in it as user weir, group dialout";
  } finally {
    // Unmounts what is mounted; the folder is deleted after.
    attempt("buildah", [...storage, "rm", "--all"]);
  }
}
