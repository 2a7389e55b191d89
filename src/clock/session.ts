import type { Session } from "../core/adapter.js";
import type { Clock } from "./clock.js";

/**
 * The session as callers with deadlines by the wall see it: adapters compare deadlines with the time that they are given, which
 * is provisional until the clock is set.
 */
export function sessionByWall(session: Session, clock: Pick<Clock, "now" | "stamp" | "trusted">): Session {
  if (clock.trusted()) return session;
  return {
    closed: session.closed,
    execute: (command) => session.execute({ ...command, deadline: clock.stamp() + (command.deadline - clock.now()) }),
    close: () => session.close(),
  };
}
