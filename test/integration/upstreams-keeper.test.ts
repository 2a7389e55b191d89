/** What tests start is ended whatever becomes of them: nothing may outlive a run that was killed or a start that failed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.js";
import { needs } from "../support/peers.js";
import { startCluster } from "../support/upstreams/cluster.js";
import { marked } from "../support/upstreams/keeper.js";

const UPSTREAMS = join(import.meta.dirname, "..", "support", "upstreams");

/** A process of its own that runs this text, and the folder of the cluster that it starts, once the file is in it. */
async function starting(t: TestContext, text: string, file: string): Promise<{ folder: string; kill: () => void }> {
  const temporary = mkdtempSync(join(tmpdir(), "weir-keeper-"));
  t.after(() => rmSync(temporary, { recursive: true, force: true }));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text], {
    env: { ...env, TMPDIR: temporary },
    stdio: "inherit",
  });
  const exited = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const found = (): string | undefined =>
    readdirSync(temporary).find((name) => existsSync(join(temporary, name, file)));
  await eventually(() => found() !== undefined, `${file} is there`);
  return { folder: join(temporary, found() ?? ""), kill: () => child.kill("SIGKILL") };
}

async function assertGone(folder: string): Promise<void> {
  await eventually(() => !existsSync(folder), "the folder is removed");
  assert.deepEqual(marked(folder), []);
}

test("a test process that is killed leaves no server, also not a frozen one", async (t) => {
  const { folder, kill } = await starting(
    t,
    `import { writeFileSync } from "node:fs";
     import { startCluster } from "${UPSTREAMS}/cluster.js";
     await startCluster("frozen", async ({ folder, node }) => {
       const only = node("mqtt://127.0.0.1:1", { command: "sleep", args: ["600"], log: "log" });
       only.freeze();
       writeFileSync(folder + "/frozen", "");
       return [only];
     });`,
    "frozen",
  );
  assert.equal(marked(folder).length, 1);
  kill();
  await assertGone(folder);
});

test("killed in the middle of a start: the port mapper and all nodes end as well", needs("ejabberdctl"), async (t) => {
  const { folder, kill } = await starting(
    t,
    `import { startEjabberd } from "${UPSTREAMS}/ejabberd.js"; await startEjabberd();`,
    "node2.log",
  );
  await eventually(() => marked(folder).length >= 4, "the port mapper and three nodes run");
  kill();
  await assertGone(folder);
});

test("a start that fails ends what it had started, and says what that said", async () => {
  let folder = "";
  const start = startCluster("broken", async (site) => {
    folder = site.folder;
    const speaking = { command: "sh", args: ["-c", "echo no license; exec sleep 600"], log: "log" };
    site.node("mqtt://127.0.0.1:1", speaking);
    await eventually(() => readFileSync(join(folder, "log"), "utf8") !== "", "it has said so");
    throw new Error("not ready");
  });
  await assert.rejects(start, /broken did not start: .*not ready.*no license/s);
  await assertGone(folder);
});
