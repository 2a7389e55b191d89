import { adapters } from "../../adapters/index.js";
import { referencePage, schemaFile } from "../config/index.js";
import { profileJsonSchema } from "../profile/index.js";

/** `weir schema`: JSON Schemas for an editor that completes and checks YAML, and the reference page made from the same. */
export function schema(which: string | undefined): number {
  const text = render(which);
  if (text === undefined) {
    process.stderr.write("weir schema config | weir schema profile | weir schema reference\n");
    return 2;
  }
  process.stdout.write(text);
  return 0;
}

function render(which: string | undefined): string | undefined {
  switch (which) {
    case "config":
      return schemaFile(adapters);
    case "reference":
      return referencePage(adapters);
    case "profile":
      return `${JSON.stringify(profileJsonSchema(), null, 2)}\n`;
    default:
      return undefined;
  }
}
