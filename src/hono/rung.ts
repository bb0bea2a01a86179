import { diag } from "@opentelemetry/api";
import type { Context as HonoContext } from "hono";
import { nameOf } from "../queue/conventions.ts";
import type { DrainReport } from "../queue/drain.ts";
import type { DrainOptions } from "../queue/drain_options.ts";
import { outliving } from "../queue/outliving.ts";
import type { Queue } from "../queue/queue.ts";
import type { Caller } from "./hearing.ts";

export { callerOf } from "./proof.ts";

/** Drains for a ring, and answers: as soon as it is known to stand, or at the end. */
export async function answerRing(
  c: HonoContext,
  { by, ring }: Required<Caller>,
  queue: Queue,
  options: DrainOptions,
): Promise<Response> {
  const { mark, hop } = ring!;
  const { promise: heard, resolve } = Promise.withResolvers<boolean>();
  const run = queue.drain({
    ...options,
    ...(options.context && { context: outliving(options.context) }),

    rung: { mark, hop, heard: resolve },
  });
  holdOpen(c, run);
  const isAwaited = by === "qstash" || c.req.header("prefer") === "wait";
  if (!isAwaited && await Promise.race([heard, run.then(() => false)])) {
    return c.json({ heard: true }, 202, NO_STORE);
  }
  const report = await run;
  const status = by === "ring" && report.stoppedBy === "answered" ? 409 : 200;
  return c.json(report, status, NO_STORE);
}

/** The drain outlives an answer that was given, and the caller that hangs up. */
function holdOpen(c: HonoContext, run: Promise<DrainReport>): void {
  const told = run.catch((error) => {
    diag.error(`A drain that was rung for threw ${nameOf(error)}`);
  });
  try {
    c.executionCtx.waitUntil(told);
  } catch { /* no such host */ }
}

const NO_STORE = { "Cache-Control": "no-store" };
