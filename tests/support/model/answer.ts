import type { StepReply } from "../../../src/broker/broker.ts";
import type { Snapshot } from "../contract/snapshot.ts";
import { equal } from "../equal.ts";

/** What differs, and how. */
export interface Found {
  readonly what: string;
  readonly left: unknown;
  readonly right: unknown;
}

/** What is promised of an answer: not its cost, nor what only guides the next poll. */
export function answer(reply: object): object {
  const {
    commands: _,
    requests: __,
    nextDueAt: ___,
    sweeping: ____,
    ...rest
  } = reply as Record<string, unknown>;
  return rest;
}

/** A repeated step that finds nothing may say 'done', 'replay' or 'old': nothing is done in any case. */
export function repeated(reply: object): object {
  const { status, paused, ...rest } = answer(reply) as Partial<StepReply>;
  const { stale, lost, cancelled, reaped, deliveries } = rest;
  const idle = deliveries !== undefined &&
    [stale, lost, cancelled, reaped, deliveries].every((list) =>
      list?.length === 0
    );
  return idle ? rest : { status, paused, ...rest };
}

/** Scheduled tasks of one instant have no order. */
export function seen(snapshot: Snapshot): object {
  const scheduled = snapshot.lists.scheduled.toSorted((a, b) =>
    (a.at ?? 0) - (b.at ?? 0) || (a.id < b.id ? -1 : 1)
  );
  return { ...snapshot, lists: { ...snapshot.lists, scheduled } };
}

/** The first place where two values differ. */
export function differ(
  what: string,
  left: unknown,
  right: unknown,
): Found | undefined {
  if (equal(left, right)) return undefined;
  if (!isRecord(left) || !isRecord(right)) return { what, left, right };
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const found = differ(`${what}.${name}`, left[name], right[name]);
    if (found !== undefined) return found;
  }
  return { what, left, right };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
