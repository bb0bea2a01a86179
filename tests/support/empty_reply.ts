import type { StepReply } from "../../src/broker/broker.ts";

/** What a step answers that found nothing, did nothing and knows nothing. */
export const EMPTY_REPLY: StepReply = {
  status: "done",
  now: 0,
  nextDueAt: undefined,
  stale: [],
  lost: [],
  cancelled: [],
  reaped: [],
  deliveries: [],
  paused: false,
  sweeping: false,
  suspects: false,
  ghosts: 0,
  commands: 4,
  requests: 1,
};
