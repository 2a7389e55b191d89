import { spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A disk of its own that can be filled. */
export interface SmallDisk {
  fill(): void;
  empty(): void;
  unmount(): void;
}

const SIZE = 16 << 20;

/** Mounts a small tmpfs, which root may; otherwise the reason why there is none. */
export function mountSmallDisk(folder: string): SmallDisk | string {
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", folder], { encoding: "utf8" });
  if (mounted.error !== undefined) return mounted.error.message;
  if (mounted.status !== 0) return mounted.stderr.trim();
  const filler = join(folder, "filler");
  const unmount = (): void => {
    process.off("exit", unmount);
    spawnSync("umount", ["--lazy", folder]);
  };
  process.once("exit", unmount);
  return {
    fill: () => fillUp(filler),
    empty: () => rmSync(filler, { force: true }),
    unmount,
  };
}

function fillUp(path: string): void {
  const file = openSync(path, "a");
  try {
    // Halved down to the last byte that goes in.
    for (let piece = 1 << 20; piece >= 1; ) {
      try {
        writeSync(file, Buffer.alloc(piece));
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
        piece >>= 1;
      }
    }
  } finally {
    closeSync(file);
  }
}
