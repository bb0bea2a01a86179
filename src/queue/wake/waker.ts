import type { Context } from "@opentelemetry/api";
import type { EnqueueReply, EnqueueRequest } from "../../broker/broker.ts";
import { atMost } from "../../core/clock.ts";
import { drain } from "../later.ts";
import type { QueueParts } from "../parts.ts";
import { hostIn, type WaitUntil } from "./hold.ts";
import { outliving } from "./outliving.ts";
import type { Wake, WakeHint } from "./wake.ts";

/** How long a consumer that ends waits for its last calls: long enough for one that drains by itself. */
const CALLED_MS = 60_000;

/** Who calls for consumers, and as whom. */
export interface Waker {
  readonly wake: Wake;
  readonly hop: number;
  readonly from: WakeHint["from"];
  /** Holds the invocation open where the call's context does not know how. */
  readonly host: WaitUntil | undefined;
}

/** What a consumer does about what it leaves behind. */
export function leavingOf(
  { waker }: QueueParts,
): "silently" | "ringing" {
  return waker === undefined || waker.wake.isLocal ? "silently" : "ringing";
}

/** Sends tasks, and wakes a consumer for them where nobody is there. */
export async function sendRinging(
  parts: QueueParts,
  request: EnqueueRequest,
  context: Context,
): Promise<EnqueueReply> {
  const { broker, name, waker } = parts;
  if (waker === undefined) return await broker.enqueue(name, request);
  const reply = await broker.enqueue(name, { ...request, rings: true });
  wakeFor(parts, reply.mark, context);
  return reply;
}

/** Wakes a consumer, behind the back of who enqueued. Never throws; what goes wrong is reported. */
export function wakeFor(
  parts: QueueParts,
  mark: string | undefined,
  context: Context,
): void {
  const { waker } = parts;
  if (waker === undefined || mark === undefined) return;
  const called = call(parts, waker, mark, context);
  const host = waker.from === "consumer"
    ? waker.host
    : hostIn(context) ?? waker.host;
  try {
    host?.waitUntil(called);
  } catch { /* the host is over: what is left is left to cron */ }
}

async function call(
  parts: QueueParts,
  { wake, hop, from }: Waker,
  mark: string,
  context: Context,
): Promise<void> {
  const { name: queue, isConsumer } = parts;
  const hint: WakeHint = {
    queue,
    mark,
    hop,
    from,
    context,
    ...(isConsumer && {
      drain: (options) =>
        drain(parts, {
          context: outliving(context),
          rung: { mark, hop },
          ...options,
        }),
    }),
  };
  try {
    await wake(hint);
  } catch (error) {
    await parts.report?.(parts.redact(error), { kind: "wake", queue });
  }
}

/** The parts for a consumer that was rung for by the `hop`th ring: it waits at its end for the calls that its own work gave rise to, as no promise outlives it; not for ever, since a `wake` may never answer. */
export function wakingFrom(
  parts: QueueParts,
  hop: number,
): { readonly parts: QueueParts; called(): Promise<void> } {
  const { waker } = parts;
  if (waker === undefined) return { parts, called: async () => {} };
  const underWay = new Set<Promise<unknown>>();
  const all = async () => {
    while (underWay.size > 0) await Promise.all(underWay);
  };
  const host: WaitUntil = {
    waitUntil(work) {
      underWay.add(work);
      void work.then(() => underWay.delete(work));
    },
  };
  return {
    parts: {
      ...parts,
      waker: { ...waker, hop: hop + 1, from: "consumer", host },
    },
    async called() {
      if (underWay.size > 0) await atMost(parts.clock, CALLED_MS, all());
    },
  };
}
