import type { Context } from "@opentelemetry/api";
import type { Delivery, NewTask, Settlement } from "../../broker/broker.ts";
import { NEVER_AT } from "../../broker/workflow.ts";
import { writeFailure } from "../../codec/failure.ts";
import { enactPlan, readPlan } from "../../codec/opened.ts";
import {
  nameHooks,
  type OpenedSchedule,
  readSchedule,
  type StoredSchedule,
  writeSchedule,
} from "../../codec/schedule.ts";
import { BrokerError, LeaseLostError } from "../../core/error.ts";
import { derivedId } from "../../core/id.ts";
import { firstSlot, type Turn, turnOf } from "../../core/schedule.ts";
import { openDelivery } from "../attempt/admission.ts";
import type { Bonds } from "../enqueue/writing.ts";
import type { Conclusion, Execution, SettlementAnswer } from "../execute.ts";
import type { QueueParts } from "../parts.ts";
import {
  describePlanned,
  type Enqueuing,
  taskOf,
} from "../workflow/followers.ts";

/** How many slots one settlement enqueues the tasks of; those that are left are due at once. */
const MAX_SLOTS = 100;
/** How long their envelopes are in all, in characters, unless one alone is longer. */
const MAX_LENGTH = 2_000_000;
/** When a consumer that cannot reckon a schedule gives it back for another. */
const UNKNOWN_DELAY_MS = 60_000;

/** A schedule that is due, and where it is looked at. */
export interface Firing {
  readonly parts: QueueParts;
  readonly delivery: Delivery;
  /** The schedule's name. */
  readonly name: string;
  /** The broker's clock. */
  readonly now: number;
  /** The drain's context. */
  readonly ambient: Context;
}

/** A slot whose task is enqueued. */
export interface FiredSlot {
  readonly schedule: string;
  readonly at: number;
  readonly task: Pick<NewTask, "id" | "name">;
}

/** What becomes of a schedule's turn: it goes on at its next slot, and the tasks of those that have come are enqueued with that. */
export function fire(firing: Firing): Execution {
  let open: readonly Enqueuing[] = [];
  let isAbandoned = false;
  const concluded = conclude(firing).then(({ conclusion, enqueuing }) => {
    if (isAbandoned) fail(enqueuing, "unknown");
    else open = enqueuing;
    return conclusion;
  });
  return {
    concluded,
    returned: concluded.then(() => {}),
    abort() {},
    abandon() {
      isAbandoned = true;
      fail(open, "unknown");
    },
  };
}

/** A conclusion, with what it enqueues. */
interface Concluded {
  readonly conclusion: Conclusion;
  readonly enqueuing: readonly Enqueuing[];
}

async function conclude(firing: Firing): Promise<Concluded> {
  try {
    const opened = readSchedule(openDelivery(firing.delivery));
    return opened.kind === "open"
      ? await takeTurn(firing, opened.schedule)
      : putAway(firing, opened);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "no Error";
    return putAway(firing, { kind: "unknown", reason });
  }
}

async function takeTurn(
  firing: Firing,
  schedule: StoredSchedule,
): Promise<Concluded> {
  const { slots, nextAt } = turnAt(firing, schedule);
  const enqueuing: Enqueuing[] = [];
  const fired: FiredSlot[] = [];
  for (const at of slots) {
    const one = await enact(firing, schedule, at);
    enqueuing.push(one);
    fired.push({ schedule: firing.name, at, task: one.task });
  }
  const { left } = schedule;
  const end: Settlement["end"] = {
    kind: "snooze",
    at: nextAt ?? NEVER_AT,
    envelope: writeSchedule({
      ...schedule,
      hasBegun: true,
      left: left === undefined ? undefined : left - slots.length,
      lastAt: slots.at(-1) ?? schedule.lastAt,
    }),
  };
  const tasks = enqueuing.map(({ task }) => task);
  return {
    enqueuing,
    conclusion: {
      outcome: "released",
      settlement: settlementOf(firing.delivery, end, tasks),
      unsaved: false,
      fired,
      answered(answer) {
        if (answer !== "accepted") return fail(enqueuing, answer);
        for (const { trace } of enqueuing) trace.succeed(1);
      },
    },
  };
}

/** What is due of it now. One that was delivered before its slot, having been changed meanwhile, waits for it. */
function turnAt(
  { delivery, ...firing }: Firing,
  { timetable, plan, hasBegun, left }: StoredSchedule,
): Turn {
  const now = Math.floor(firing.now);
  const { dueAt = delivery.enqueuedAt } = delivery;
  const slot = hasBegun ? dueAt : firstSlot(timetable, dueAt);
  if (slot === undefined || slot > now) {
    return { slots: [], nextAt: slot };
  }
  const room = Math.floor(MAX_LENGTH / JSON.stringify(plan).length);
  const most = Math.min(MAX_SLOTS, Math.max(1, room));
  return turnOf(timetable, { dueAt: slot, now, left, most });
}

/** The task of one slot, its id and those of its hooks the same whoever makes it. */
async function enact(
  { parts, name, ambient }: Firing,
  { plan, carrier }: StoredSchedule,
  at: number,
): Promise<Enqueuing> {
  const planned = readPlan(plan);
  if (planned === undefined) throw new TypeError("Its task cannot be read");
  const { followers, membership } = planned.envelope;
  const id = `${name}@${at}`;
  const slot = { schedule: name, at };
  const bonds: Bonds = { followers, membership, slot };
  const named = await nameHooks(
    plan,
    id,
    (parent, index, task) => derivedId(parent, at, index, task),
  );
  const sent = describePlanned(parts, planned, id, bonds);
  const trace = parts.instrument.startFiring(ambient, carrier, sent);
  const text = enactPlan(named, {
    carrier: trace.carrierOf(0),
    depth: 0,
    chain: undefined,
    slot,
  });
  return { task: taskOf(planned, id, text, bonds), trace };
}

/** A schedule that cannot be reckoned here is given back, for a consumer that can; what cannot be read at all is dead, until it is entered anew. */
function putAway(
  { parts, delivery, name }: Firing,
  { kind, reason }: Exclude<OpenedSchedule, { readonly kind: "open" }>,
): Concluded {
  const error = new Error(
    `The schedule '${name}' cannot be reckoned by this consumer: ${reason}`,
  );
  error.name = "UnknownScheduleError";
  const isLast = kind === "invalid";
  const end: Settlement["end"] = isLast
    ? { kind: "dead", error: writeFailure(error) }
    : { kind: "release", delayMs: UNKNOWN_DELAY_MS };
  const { id, attempt } = delivery;
  parts.report?.(parts.redact(error), {
    kind: "attempt",
    queue: parts.name,
    id,
    name: delivery.name,
    attempt,
    isLast,
    durationMs: 0,
  });
  return {
    enqueuing: [],
    conclusion: {
      outcome: isLast ? "dead" : "released",
      settlement: settlementOf(delivery, end, []),
      unsaved: false,
      answered() {},
    },
  };
}

function settlementOf(
  { id, token }: Delivery,
  end: Settlement["end"],
  enqueue: readonly NewTask[],
): Settlement {
  return { id, token, end, span: "", dedupe: undefined, enqueue };
}

function fail(
  enqueuing: readonly Enqueuing[],
  answer: Exclude<SettlementAnswer, "accepted">,
): void {
  const error = answer === "stale"
    ? new LeaseLostError("The schedule was settled too late, or was changed")
    : new BrokerError(
      "unavailable",
      "The settlement of the schedule was not answered",
    );
  for (const { trace } of enqueuing) trace.fail(error);
}
