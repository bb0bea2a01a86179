import { diag } from "@opentelemetry/api";
import type { Context as HonoContext } from "hono";
import type { Ring } from "../codec/ring.ts";
import type { Consumer } from "../queue/consumer.ts";
import type { DrainReport } from "../queue/drain.ts";
import type { DrainOptions } from "../queue/drain_options.ts";
import { queuesOf } from "../queue/kept_parts.ts";
import type { Queue } from "../queue/queue.ts";
import { nameOf } from "../queue/trace/conventions.ts";
import { outliving } from "../queue/wake/outliving.ts";
import type { Caller, Guard } from "./hearing.ts";
import { callerOf } from "./proof.ts";

/** Drains for who may ask for it, for a ring the queue that it names, and turns the others away before any queue is made. */
export async function serve(
  c: HonoContext,
  guard: Guard,
  make: () => Queue | Consumer,
  options: DrainOptions,
): Promise<Response> {
  const isOpen = guard.secret === undefined && guard.qstash === undefined;
  const caller = isOpen ? ANYONE : await callerOf(c, guard);
  if (caller === undefined) return refused(c);
  const { by, ring } = caller;
  const drained = make();
  const queue = ring && (queuesOf(drained) ?? [drained as Queue])
    .find(({ name }) => name === ring.queue);
  if (queue !== undefined) {
    return await answerRing(c, by, ring!, queue, options);
  }
  if (by === "ring") return refused(c);
  const run = drained.drain(options);
  holdOpen(c, run.catch(() => {}));
  return c.json(await run, 200, NO_STORE);
}

function refused(c: HonoContext): Response {
  return c.text("Unauthorized", 401, { "WWW-Authenticate": "Bearer" });
}

/** Drains, and answers as soon as the ring is known to stand; at the end where whoever rang waits for it. */
async function answerRing(
  c: HonoContext,
  by: Caller["by"],
  { mark, hop }: Ring,
  queue: Queue,
  options: DrainOptions,
): Promise<Response> {
  const { promise: heard, resolve } = Promise.withResolvers<boolean>();
  const run = queue.drain({
    ...options,
    ...(options.context && { context: outliving(options.context) }),
    rung: { mark, hop, heard: resolve },
  });
  holdOpen(c, told(run));
  const isAwaited = by === "qstash" || c.req.header("prefer") === "wait";
  if (!isAwaited && await Promise.race([heard, run.then(() => false)])) {
    return c.json({ heard: true }, 202, NO_STORE);
  }
  const report = await run;
  const status = by === "ring" && report.stoppedBy === "answered" ? 409 : 200;
  return c.json(report, status, NO_STORE);
}

/** A drain that nobody may wait for: behind an answer that was given. */
function told(run: Promise<DrainReport>): Promise<unknown> {
  return run.catch((error) => {
    diag.error(`A drain that was rung for threw ${nameOf(error)}`);
  });
}

/** A drain outlives the caller that hangs up, on hosts that would end it. */
function holdOpen(c: HonoContext, run: Promise<unknown>): void {
  try {
    c.executionCtx.waitUntil(run);
  } catch { /* no such host */ }
}

const ANYONE: Caller = { by: "anyone", ring: undefined };
const NO_STORE = { "Cache-Control": "no-store" };
