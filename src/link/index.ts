export type { LinkState } from "./state.js";
export { type SetTimer, type SuperviseContext, type Supervised, superviseLink } from "./supervisor.js";
