/** Envelopes of tasks that others follow: what is planned, and what becomes of a plan. */
import { assert, assertEquals } from "@std/assert";
import {
  type Envelope,
  writeEnvelope,
  writePlan,
} from "../src/codec/envelope.ts";
import {
  enactPlan,
  peekTraceparent,
  readEnvelope,
  readPlan,
} from "../src/codec/opened.ts";
import type { ChainRest, Plan, Timing } from "../src/codec/plan.ts";
import type { Settled } from "../src/core/state.ts";
import { sealOf } from "./support/seal_vector.ts";
import { test } from "./support/suite.ts";
import { envelope, TRACEPARENT } from "./support/traced.ts";

const NOW: Timing = {
  priority: 0,
  delayMs: undefined,
  runAt: undefined,
  dedupeMs: undefined,
  concurrency: undefined,
  rate: undefined,
};
const bare = envelope({ carrier: {}, label: undefined });
const plan = (input?: string, timing = NOW, takesPrevious = false): Plan =>
  writePlan(bare, input, timing, takesPrevious);
const previous: Settled = {
  id: "t-0",
  name: "before",
  attempt: 1,
  status: "completed",
  value: { secret: ',"i":1,"p":"' + TRACEPARENT + '"' },
};

/** What a plan is read as, once it was enacted behind `previous`. */
function enacted(plan: Plan, chain?: ChainRest) {
  const opened = readEnvelope(enactPlan(plan, {
    carrier: { traceparent: TRACEPARENT, baggage: "a=b" },
    depth: 3,
    chain,
    previous: JSON.stringify(previous),
  }));
  assert(opened.kind === "open");
  return opened;
}

test("readEnvelope() gives the followers, the chain and what came before, as they were written", () => {
  const followers = (["success", "failure", "settled"] as const)
    .map((on) => ({ on, id: `on-${on}`, plan: plan(`"${on}"`) }));
  const link = { id: "t-2", plan: plan("2") };
  for (
    const chain of [
      { id: "c", goesOn: true, links: [link, link], end: link },
      { id: "c", goesOn: false, links: [], end: undefined },
    ]
  ) {
    for (const input of [undefined, "null", "1", '{"u":2,"f":{}}']) {
      const given: Envelope = { ...envelope(), followers, chain };
      const opened = readEnvelope(writeEnvelope(given, input));
      assert(opened.kind === "open");
      assertEquals(opened.envelope, given);
      assertEquals(opened.input, input && JSON.parse(input));
    }
  }
});

test("enactPlan() makes of a plan the task that was planned, with its trace and what came before it", () => {
  for (const input of [undefined, "null", "0", '{"a":[1]}']) {
    const chain = { id: "c", goesOn: true, links: [], end: undefined };
    assertEquals(enacted(plan(input), chain), {
      kind: "open",
      envelope: {
        ...bare,
        carrier: { traceparent: TRACEPARENT, baggage: "a=b" },
        depth: 3,
        chain,
        previous,
      },
      input: input && JSON.parse(input),
    });
  }
});

test("enactPlan() gives what came before as the input of a plan that takes it", () => {
  assertEquals(enacted(plan(undefined, NOW, true)).input, previous);
});

test("enactPlan() keeps what this version does not know, and opens no prototype", () => {
  const later = { ...plan('{"__proto__":{"admin":true}}'), zz: [1] };
  const text = enactPlan(later, {
    carrier: {},
    depth: 0,
    chain: undefined,
    previous: "{}",
  });
  assertEquals(JSON.parse(text).zz, [1]);
  const opened = readEnvelope(text);
  assert(opened.kind === "open");
  assertEquals(Object.keys(opened.input as object), ["__proto__"]);
  assertEquals((opened.input as { admin?: boolean }).admin, undefined);
});

test("readPlan() gives the options that only a broker reads", () => {
  const timing = {
    priority: -3,
    delayMs: 10,
    runAt: 20,
    dedupeMs: 30,
    concurrency: { key: "shared", limit: 2 },
    rate: { key: "paced", limit: 3, perMs: 60_000 },
  };
  const { envelope: _, ...read } = readPlan(plan("1", timing))!;
  assertEquals(read, timing);
  assertEquals(readPlan({ v: 1, n: "no more" }), undefined);
});

test("enactPlan() gives a plan with a rate what came before it, and no rate for it", () => {
  const paced = plan("1", {
    ...NOW,
    rate: { key: "paced", limit: 3, perMs: 60_000 },
  });
  assertEquals(enacted(paced).envelope.previous, previous);
  const text = enactPlan(paced, { carrier: {}, depth: 0, chain: undefined });
  assertEquals(JSON.parse(text).f, undefined);
});

test("readEnvelope() leaves out followers that cannot be read", () => {
  const text = writeEnvelope(bare, "1");
  for (
    const [key, value] of [
      ["w", 1],
      ["w", [1, ["z", "id", {}], ["s", 1, {}], ["s", "id", null], ["s"]]],
      ["c", "chain"],
      ["c", [1, 1, []]],
      ["c", ["id", 1, null]],
      ["f", "before"],
      ["f", { id: 1, status: "dead" }],
    ] as const
  ) {
    const opened = readEnvelope(
      `${text.slice(0, -1)},"${key}":${JSON.stringify(value)}}`,
    );
    assert(opened.kind === "open", key);
    const { followers = [], chain, previous } = opened.envelope;
    assertEquals([followers, chain, previous], [[], undefined, undefined], key);
  }
});

test("peekTraceparent() finds the task's own, and none of what follows it or came before", () => {
  const followers = [{ on: "settled", id: "x", plan: plan("1") }] as const;
  const text = writeEnvelope({ ...envelope(), followers }, undefined);
  assertEquals(peekTraceparent(text), TRACEPARENT);
  const untraced = enactPlan(plan(), {
    carrier: {},
    depth: 0,
    chain: undefined,
    previous: JSON.stringify({ p: TRACEPARENT }),
  });
  assertEquals(peekTraceparent(untraced), undefined);
});

test("a seal that encrypts hides the inputs of what follows, and what came before", async () => {
  const seal = sealOf({
    keys: [{ id: "a", secret: new Uint8Array(32) }],
    encrypt: true,
  });
  const place = { queue: "q", id: "t", part: "envelope" } as const;
  const followers = [{
    on: "settled",
    id: "x",
    plan: plan('"secret"'),
  }] as const;
  const text = writeEnvelope({
    ...bare,
    followers,
    previous: { ...previous, value: "secret" },
  }, undefined);
  const sealed = await seal.close(text, place);
  assert(text.includes("secret") && !sealed.includes("secret"));
  assertEquals(await seal.open(sealed, place), { kind: "open", text });
});
