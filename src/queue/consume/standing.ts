import type { Attendance } from "./attendance.ts";
import type { Lanes } from "./lanes.ts";
import type { Line } from "./line.ts";
import { isLow, type Pace, type Standing } from "./pace.ts";
import type { Session } from "./session.ts";

/** The parts of a consumer that say how it stands. */
export interface StandingSource {
  readonly lanes: Lanes;
  readonly session: Session;
  readonly line: Line;
  readonly attendance: Attendance;
  readonly now: number;
  readonly pace: Pace;
  /** Since when a refill was worth a request when it last looked. */
  readonly lowSince: number;
  readonly isClosing: boolean;
}

/** How a consumer stands. */
export function standingOf(source: StandingSource): Standing {
  const { lanes, session, line, attendance, now, pace, ...rest } = source;
  const { waiting, running, clogged, hasSuspect } = lanes;
  const { unsettled, unsettledSince, urgentSince, extendAt } = session;
  const standing = {
    ...rest,
    waiting,
    running,
    clogged,
    hasSuspect,
    unsettled,
    unsettledSince,
    urgentSince,
    extendAt,
    lookAt: attendance.lookAt,
    restUntil: line.restUntil(waiting + running + unsettled === 0),
    isYielding: line.yielding(now)?.now ?? false,
  };
  const since = Math.min(rest.lowSince, now);
  return { ...standing, lowSince: isLow(standing, pace) ? since : Infinity };
}
