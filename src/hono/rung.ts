import { diag } from "@opentelemetry/api";
import type { Context as HonoContext } from "hono";
import type { DrainReport } from "../queue/drain.ts";
import type { DrainOptions } from "../queue/drain_options.ts";
import type { Queue } from "../queue/queue.ts";
import { nameOf } from "../queue/trace/conventions.ts";
import { outliving } from "../queue/wake/outliving.ts";
import type { Caller, Guard } from "./hearing.ts";
import { callerOf } from "./proof.ts";

/** Drains for who may ask for it, and turns the others away before any queue is made. */
export async function serve(
  c: HonoContext,
  guard: Guard,
  makeQueue: () => Queue,
  options: DrainOptions,
): Promise<Response> {
  const isOpen = guard.secret === undefined && guard.qstash === undefined;
  const caller = isOpen ? ANYONE : await callerOf(c, guard);
  if (caller === undefined) return refused(c);
  const queue = makeQueue();
  const isElsewhere = caller.ring?.queue !== queue.name;
  if (caller.by === "ring" && isElsewhere) return refused(c);
  return await answer(c, caller, queue, options);
}

function refused(c: HonoContext): Response {
  return c.text("Unauthorized", 401, { "WWW-Authenticate": "Bearer" });
}

/** Drains, and answers at the end; a ring for this queue as soon as it is known to stand, unless it waits. */
async function answer(
  c: HonoContext,
  { by, ring }: Caller,
  queue: Queue,
  options: DrainOptions,
): Promise<Response> {
  if (ring === undefined || ring.queue !== queue.name) {
    const run = queue.drain(options);
    holdOpen(c, run.catch(() => {}));
    return c.json(await run, 200, NO_STORE);
  }
  const { mark, hop } = ring;
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
