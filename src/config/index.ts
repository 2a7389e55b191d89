export { type CheckOptions, checkConfig } from "./checks.js";
export { type BridgeConfig, type Config, type DeviceConfig, type ResourcePolicy, resourcePolicy } from "./config.js";
export { type LoadedConfig, type LoadOptions, loadConfig } from "./load.js";
export { ConfigError, type ConfigProblem, formatProblem, type Path, throwErrors } from "./problems.js";
export { referencePage } from "./reference.js";
export type { AdapterSchemas, BridgeRule, PayloadFormat, Report } from "./schema.js";
export { schemaFile } from "./schema-file.js";
export { configJsonSchema } from "./shape.js";
export type { Listener } from "./urls.js";
