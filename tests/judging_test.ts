import { assertEquals } from "@std/assert";
import type { AttemptEnd } from "../src/queue/attempt/attempt.ts";
import { outcomeOf } from "../src/queue/attempt/judging.ts";
import type { ChainRest } from "../src/codec/plan.ts";
import type { Envelope } from "../src/codec/envelope.ts";
import { fixed } from "../src/core/backoff.ts";
import { TaskCancelledError } from "../src/core/error.ts";
import { test } from "./support/suite.ts";

const rest: ChainRest = {
  id: "chain",
  goesOn: false,
  links: [{ id: "next", plan: {} }],
  end: undefined,
};

/** What an attempt that was cancelled comes to that returned all the same. */
function kindOf(leads: boolean | undefined, chain: ChainRest | undefined) {
  const end: AttemptEnd = {
    kind: "returned",
    value: 1,
    ...leads === undefined ? {} : { leads },
  };
  const envelope: Envelope = {
    name: "work",
    maxAttempts: 5,
    backoff: fixed(1_000),
    timeoutMs: 30_000,
    resultTtlMs: 1_000,
    expiresInMs: undefined,
    label: undefined,
    dedupe: undefined,
    carrier: {},
    depth: 0,
    batched: false,
    chain,
  };
  const { kind } = outcomeOf(end, {
    parts: { random: (bytes) => bytes },
    delivery: {
      id: "a",
      token: "worker:1",
      attempt: 1,
      enqueuedAt: 0,
      dueAt: undefined,
      name: "work",
      envelope: "{}",
      previousSpan: undefined,
      lastError: undefined,
      suspect: false,
      cancelled: false,
    },
    envelope,
    handler: { name: "work", schema: undefined, run: () => {} },
    abortedBy: new TaskCancelledError("The task was cancelled"),
    now: 0,
  });
  return kind;
}

test("outcomeOf() cancels a link that returned though it was cancelled, so that its chain ends", () => {
  assertEquals(kindOf(undefined, rest), "cancelled");
  assertEquals(kindOf(true, rest), "cancelled");
});

test("outcomeOf() takes what returned for completed where no link follows it", () => {
  assertEquals(kindOf(false, rest), "completed");
  assertEquals(kindOf(undefined, { ...rest, links: [] }), "completed");
  assertEquals(kindOf(undefined, undefined), "completed");
});
