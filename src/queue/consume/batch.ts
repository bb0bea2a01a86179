import type { SpanContext } from "@opentelemetry/api";
import type { Settlement } from "../../broker/broker.ts";
import { isTask } from "../../core/id.ts";
import type { Lease } from "./lease.ts";
import { quotedBytes } from "../enqueue/chunk.ts";
import type { Conclusion } from "../execute.ts";

/** How many settlements one step takes at most. */
const MAX_SETTLEMENTS = 250;
/** How many tasks they enqueue in all, unless one settlement alone has more. */
const MAX_ENQUEUED = 1_000;
/** How many bytes they have, unless one settlement alone has more: with its claims, a step has to fit in 10 MB. */
const MAX_BYTES = 4_000_000;

/** A conclusion that waits for a step. */
export interface Finished {
  readonly lease: Lease;
  readonly conclusion: Conclusion;
  /** Whether it does not wait for others. */
  readonly isUrgent: boolean;
  /** Since when it waits. */
  readonly at: number;
}

/** As many as fit in one step, in order; of a task that was claimed twice only the first. */
export function fitting(finished: readonly Finished[]): readonly Finished[] {
  const taken: Finished[] = [];
  const ids = new Set<string>();
  let bytes = 0;
  let enqueued = 0;
  for (const one of finished) {
    const { settlement } = one.conclusion;
    if (ids.has(settlement.id)) continue;
    bytes += sizeOf(settlement);
    enqueued += settlement.enqueue.length;
    const isFull = taken.length === MAX_SETTLEMENTS || bytes > MAX_BYTES ||
      enqueued > MAX_ENQUEUED;
    if (isFull && taken.length > 0) break;
    ids.add(settlement.id);
    taken.push(one);
  }
  return taken;
}

/** Those that are not among `some`. */
export function without(
  all: readonly Finished[],
  some: readonly Finished[],
): readonly Finished[] {
  const gone = new Set(some);
  const left: Finished[] = [];
  for (const one of all) if (!gone.has(one)) left.push(one);
  return left;
}

// Functions with names, where each step would make closures: once a collection finds none of them, V8 has to compile them anew.

/** Whether it is of a task, not of a schedule. */
export function isOfTask({ lease }: Finished): boolean {
  return isTask(lease);
}

/** The span that enqueued its task. */
export function creationOf({ conclusion }: Finished): SpanContext | undefined {
  return conclusion.creation;
}

/** The id of its task. */
export function idOf({ lease }: Finished): string {
  return lease.id;
}

/** What the broker is told of it. */
export function settlementOf({ conclusion }: Finished): Settlement {
  return conclusion.settlement;
}

function sizeOf({ end, enqueue }: Settlement): number {
  let bytes = 200;
  if (end.kind === "complete") bytes += quotedBytes(end.payload ?? "");
  else if ("error" in end) bytes += quotedBytes(end.error);
  else if ("envelope" in end) bytes += quotedBytes(end.envelope ?? "");
  for (const task of enqueue) bytes += 200 + quotedBytes(task.envelope);
  return bytes;
}
