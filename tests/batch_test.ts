import { assertEquals } from "@std/assert";
import type { Settlement } from "../src/broker/broker.ts";
import { type Finished, fitting } from "../src/queue/consume/batch.ts";
import { Lease } from "../src/queue/consume/lease.ts";
import { task } from "./support/contract/bench.ts";
import { times } from "./support/consumer.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { test } from "./support/suite.ts";
import { delivery } from "./support/traced.ts";

const terms = { sentAt: 0, leaseMs: 1_000, now: 0 };

function finished(
  id: string,
  { bytes = 0, children = 0 }: {
    readonly bytes?: number;
    readonly children?: number;
  } = {},
): Finished {
  const settlement: Settlement = {
    id,
    token: "c:1",
    end: {
      kind: "complete",
      payload: "x".repeat(bytes),
      resultMs: 1,
      keepMs: 1,
    },
    span: "",
    dedupe: undefined,
    enqueue: times(children, (n) => task(`${id} ${n}`)),
  };
  return {
    lease: new Lease(new ManualClock(), delivery({ id }), terms),
    conclusion: {
      outcome: "completed",
      settlement,
      unsaved: false,
      answered() {},
    },
    isUrgent: false,
    at: 0,
  };
}

function idsOf(list: readonly Finished[]): readonly string[] {
  return fitting(list).map(({ lease }) => lease.id);
}

test("fitting() takes 250 settlements at most, the first of them", () => {
  const all = times(260, (n) => finished(`t${n}`));
  assertEquals(idsOf(all), all.slice(0, 250).map(({ lease }) => lease.id));
});

test("fitting() takes 1,000 tasks that they enqueue at most, and 4 MB", () => {
  const many = times(4, (n) => finished(`t${n}`, { children: 400 }));
  assertEquals(idsOf(many), ["t0", "t1"]);
  const big = times(4, (n) => finished(`t${n}`, { bytes: 1_500_000 }));
  assertEquals(idsOf(big), ["t0", "t1"]);
});

test("fitting() counts the envelopes that settlements replace", () => {
  const big = times(4, (n): Finished => {
    const { conclusion, ...rest } = finished(`t${n}`);
    const envelope = "x".repeat(1_500_000);
    const end = { kind: "snooze", at: 1, envelope } as const;
    const settlement = { ...conclusion.settlement, end };
    return { ...rest, conclusion: { ...conclusion, settlement } };
  });
  assertEquals(idsOf(big), ["t0", "t1"]);
});

test("fitting() takes one settlement that alone is over the bounds", () => {
  const one = finished("big", { bytes: 5_000_000, children: 1_500 });
  assertEquals(idsOf([one, finished("next")]), ["big"]);
});

test("fitting() takes a task that was claimed twice once, its first claim first", () => {
  const [first, second] = [finished("a"), finished("a")];
  assertEquals(fitting([first, finished("b"), second])[0], first);
  assertEquals(idsOf([first, finished("b"), second]), ["a", "b"]);
});
