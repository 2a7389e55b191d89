export { type Clock, type ClockOptions, type ClockStatus, openClock } from "./clock.js";
export { createHold, type Hold, type HoldOptions } from "./hold.js";
export { sessionByWall } from "./session.js";
