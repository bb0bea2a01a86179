import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import {
  delayAfter,
  exponential,
  type ExponentialOptions,
  fixed,
  type FixedOptions,
} from "../src/core/backoff.ts";
import { checkName, checkOptions, ENQUEUE_OPTIONS } from "../src/core/check.ts";
import { sleep } from "../src/core/clock.ts";
import { NonRetryableError, RetryAfterError } from "../src/core/error.ts";
import {
  derivedId,
  isOwnId,
  newId,
  shardOf,
  SHARDS,
  systemRandom,
} from "../src/core/id.ts";
import type { EnqueueOptions } from "../src/core/options.ts";
import { afterFailure } from "../src/core/outcome.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { test } from "./support/suite.ts";

test("newId() is 22 characters with its shard, and sorts by time", () => {
  const early = newId(1_763_800_000_000, systemRandom, 3);
  const late = newId(1_763_800_000_001, systemRandom, 3);
  assertMatch(early, /^~3[0-9A-Za-z_-]{20}$/);
  assertEquals(early.slice(2, 11) < late.slice(2, 11), true);
  assertNotEquals(
    newId(0, systemRandom),
    newId(0, systemRandom),
  );
  assert(isOwnId(early));
});

test("derivedId() is the same for the same call, on the parent's shard, and another for any other", async () => {
  const parent = newId(1, systemRandom, 5);
  const id = await derivedId(parent, 7, 0, "b");
  assertEquals(id, await derivedId(parent, 7, 0, "b"));
  assertEquals(shardOf(id), 5);
  assert(isOwnId(id));
  for (
    const other of [
      await derivedId(parent, 7, 1, "b"),
      await derivedId(parent, 8, 0, "b"),
      await derivedId(parent, 7, 0, "c"),
      await derivedId(newId(2, systemRandom, 5), 7, 0, "b"),
    ]
  ) assertNotEquals(id, other);
});

test("shardOf() spreads a caller's ids", () => {
  const counts = new Array<number>(SHARDS).fill(0);
  for (let i = 0; i < 8_000; i++) counts[shardOf(`order-${i}`)]!++;
  for (const count of counts) assert(count > 700 && count < 1_300, `${counts}`);
});

test("delayAfter() doubles up to its limit, and takes no more than its jitter away", () => {
  const steady = exponential({ baseMs: 100, maxMs: 1_000, jitter: 0 });
  assertEquals(
    [1, 2, 3, 4, 5, 500].map((attempt) =>
      delayAfter(steady, attempt, () => 0.9)
    ),
    [100, 200, 400, 800, 1_000, 1_000],
  );
  const jittery = exponential({ baseMs: 100, jitter: 0.5 });
  assertEquals(delayAfter(jittery, 1, () => 0), 100);
  assertEquals(delayAfter(jittery, 1, () => 1), 50);
  assertEquals(delayAfter(fixed(70), 9, () => 1), 70);
});

test("exponential() and fixed() refuse an option that they do not know", () => {
  assertThrows(
    () => exponential({ base: 1 } as ExponentialOptions),
    TypeError,
    "Unknown option 'base' of exponential()",
  );
  assertThrows(
    () => fixed(1, { maxMs: 1 } as FixedOptions),
    TypeError,
    "Unknown option 'maxMs' of fixed()",
  );
});

test("afterFailure() retries until the attempts are used up, and never what is not to be retried", () => {
  const policy = {
    attempt: 2,
    maxAttempts: 3,
    backoff: fixed(10),
    random: () => 0,
  };
  const error = new Error("e");
  assertEquals(afterFailure(error, policy), {
    kind: "retry",
    error,
    delayMs: 10,
  });
  assertEquals(afterFailure(error, { ...policy, attempt: 3 }).kind, "dead");
  const final = new NonRetryableError("no");
  assertEquals(afterFailure(final, { ...policy, attempt: 1 }).kind, "dead");
  const later = new RetryAfterError("later", 5_000);
  assertEquals(afterFailure(later, policy), {
    kind: "retry",
    error: later,
    delayMs: 5_000,
  });
});

test("afterFailure() knows the errors of another copy of the package by their names", () => {
  const policy = {
    attempt: 1,
    maxAttempts: 3,
    backoff: fixed(10),
    random: () => 0,
  };
  const named = (name: string, more: object = {}) =>
    Object.assign(new Error("e"), { name }, more);
  const final = named("NonRetryableError");
  assertEquals(afterFailure(final, policy).kind, "dead");
  const waits = (error: unknown) => {
    const outcome = afterFailure(error, policy);
    return outcome.kind === "retry" && outcome.delayMs;
  };
  assertEquals(waits(named("RetryAfterError", { afterMs: 70 })), 70);
  // another library's error of that name
  assertEquals(waits(named("RetryAfterError", { retryAfter: "7" })), 10);
  assertEquals(waits({ name: "NonRetryableError" }), 10);
});

test("RetryAfterError() takes whole milliseconds or a Date to come, nothing else", () => {
  assertEquals(new RetryAfterError("x", new Date(0)).afterMs, 0);
  for (const bad of [-1, 0.5, NaN, Infinity, new Date(NaN)]) {
    assertThrows(() => new RetryAfterError("x", bad), RangeError);
  }
});

test("checkName() refuses what is empty, long, malformed or has control characters", () => {
  checkName("id", "é".repeat(100));
  for (const bad of ["", "é".repeat(101), "a\nb", "a\u0000", "\ud800"]) {
    assertThrows(() => checkName("id", bad), RangeError, "The id");
  }
  assertThrows(() => checkName("id", 7), TypeError, "not number");
});

test("checkOptions() names each impossible value", () => {
  const bad: readonly (readonly [unknown, string])[] = [
    [{ delay: 1 }, "Unknown option 'delay'"],
    [{ delayMs: -1 }, "delayMs"],
    [{ delayMs: NaN }, "delayMs"],
    [{ delayMs: 0.5 }, "delayMs"],
    [{ delayMs: 2 ** 53 }, "delayMs"],
    [{ delayMs: "1" }, "delayMs"],
    [{ delayMs: 1, runAt: 2 }, "'delayMs' or 'runAt'"],
    [{ runAt: new Date(NaN) }, "runAt"],
    [{ runAt: "tomorrow" }, "runAt"],
    [{ priority: 11 }, "priority"],
    [{ maxAttempts: 0 }, "maxAttempts"],
    [{ timeoutMs: 0 }, "timeoutMs"],
    [{ timeoutMs: 2 ** 31 }, "timeoutMs"],
    [{ expiresInMs: 0 }, "expiresInMs"],
    [{ resultTtlMs: -1 }, "resultTtlMs"],
    [{ maxBacklog: 0 }, "maxBacklog"],
    [{ backoff: () => 1 }, "backoff"],
    [{ backoff: { kind: "linear" } }, "'linear'".replaceAll("'", '"')],
    [{ backoff: exponential({ baseMs: 2, maxMs: 1 }) }, "backoff.maxMs"],
    [{ backoff: fixed(1, { jitter: 2 }) }, "backoff.jitter"],
    [{ dedupe: { key: "" } }, "dedupe.key"],
    [{ dedupe: { key: "k", until: "never" } }, "dedupe.until"],
    [{ dedupe: { key: "k", ttl: 1 } }, "'ttl' of dedupe"],
    [{ id: "" }, "The id"],
    [{ label: "a\u0007" }, "The label"],
  ];
  for (const [options, says] of bad) {
    const error = assertThrows(
      () =>
        checkOptions(options as EnqueueOptions, ENQUEUE_OPTIONS, "of task 't'"),
      Error,
      says,
    );
    assert(error instanceof TypeError || error instanceof RangeError, says);
  }
});

test("sleep() ends at its time, or with its signal, and leaves no timer", async () => {
  const clock = new ManualClock();
  const woken: string[] = [];
  const control = new AbortController();
  const slept = sleep(clock, 50).then(() => woken.push("time"));
  const aborted = sleep(clock, 500, control.signal)
    .then(() => woken.push("signal"));
  control.abort();
  await aborted;
  await clock.advance(50);
  await slept;
  await sleep(clock, 1_000, control.signal);
  assertEquals(woken, ["signal", "time"]);
  assertEquals(clock.pending, 0);
});
