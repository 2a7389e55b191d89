import { suggest } from "../core/near.js";
import type { Path } from "./problems.js";
import type { AdapterSchemas } from "./schema.js";
import type { Shape } from "./shape.js";
import { explain, type Finding, word } from "./wording.js";

/** Checks of devices as they stand in the file: they work on what is there, so that one slip does not hide the next. */

function entriesOf(
  tree: unknown,
  list: "devices" | "bridges",
): { entry: Readonly<Record<string, unknown>>; index: number }[] {
  const found: unknown = typeof tree === "object" && tree !== null ? Reflect.get(tree, list) : undefined;
  if (!Array.isArray(found)) return [];
  return found.flatMap((entry: unknown, index) =>
    typeof entry === "object" && entry !== null && !Array.isArray(entry) ? [{ entry: { ...entry }, index }] : [],
  );
}

/** Ids that two devices or two bridges have in common. */
export function duplicateFindings(tree: unknown): Finding[] {
  return (["devices", "bridges"] as const).flatMap((list) => {
    const first = new Map<string, number>();
    return entriesOf(tree, list).flatMap(({ entry, index }) => {
      const id = entry["id"];
      if (typeof id !== "string") return [];
      const other = first.get(id);
      if (other === undefined) {
        first.set(id, index);
        return [];
      }
      return [{ path: [list, index, "id"], message: `has the same id as ${list}[${other}]: ids are unique` }];
    });
  });
}

export interface CheckedAddresses {
  /** By the device's index; undefined where the device has none or it is wrong. */
  readonly addresses: readonly unknown[];
  readonly findings: readonly Finding[];
}

/** Has each adapter read the addresses of its devices. */
export function checkAddresses(tree: unknown, adapters: readonly AdapterSchemas[], shape: Shape): CheckedAddresses {
  const byName = new Map(adapters.map((adapter) => [adapter.name, adapter]));
  const addresses: unknown[] = [];
  const findings: Finding[] = [];
  for (const { entry, index } of entriesOf(tree, "devices")) {
    const name = entry["adapter"];
    if (typeof name !== "string") continue;
    const adapter = byName.get(name);
    if (adapter === undefined) {
      const message = `there is no such adapter${suggest(name, [...byName.keys()])}`;
      findings.push({ path: ["devices", index, "adapter"], message });
      continue;
    }
    const path: Path = ["devices", index, "address"];
    const read = adapter.address.safeParse(entry["address"], { error: word });
    if (read.success) addresses[index] = read.data;
    // The simulator makes the place of a device that has no hardware.
    else if (entry["simulate"] !== true || entry["address"] !== undefined)
      findings.push(...explain(read.error.issues, shape, path));
  }
  return { addresses, findings };
}
