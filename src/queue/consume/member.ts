import type { StoppedBy } from "./course.ts";
import type { Lanes } from "./lanes.ts";
import type { Line } from "./line.ts";
import type { Session } from "./session.ts";
import type { Member } from "./share.ts";

/** What the step under way asks for. */
export interface Asking {
  /** How many tasks it may claim. */
  readonly room: number;
  /** Whether it may be one that has to be alone. */
  readonly alone: boolean;
}

/** No step is under way, or one that claims nothing. */
export const ASKING_NOTHING: Asking = { room: 0, alone: false };

/** What the consumer of one queue shows of itself. */
export interface MemberSource {
  readonly lanes: Lanes;
  readonly line: Line;
  readonly session: Session;
  readonly now: () => number;
  readonly asking: () => Asking;
  readonly ring: () => void;
  readonly join: () => void;
  readonly finish: (by: StoppedBy) => void;
}

/** The consumer of one queue, as those of other queues see it. */
export function memberOf(source: MemberSource): Member {
  const { lanes, line, session, now, asking, ring, join, finish } = source;
  return {
    get waiting() {
      return lanes.waiting;
    },
    get lanes() {
      return lanes.taken;
    },
    get held() {
      const { waiting, running } = lanes;
      return waiting + running + session.unsettled + asking().room;
    },
    get isBacklogged() {
      return !line.isDry;
    },
    get solitude() {
      if (asking().alone || lanes.hasSuspect) return "taken";
      return line.yielding(now())?.now ? "wanted" : "none";
    },
    get canStart() {
      return lanes.canStart;
    },
    start: () => lanes.start(),
    wake: ring,
    join,
    hurry() {
      line.stir();
      ring();
    },
    finish,
  };
}
