import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Envelope, writeEnvelope } from "../src/codec/envelope.ts";
import { readEnvelope } from "../src/codec/opened.ts";
import {
  readFailure,
  writeAttemptFailure,
  writeFailure,
} from "../src/codec/failure.ts";
import { writeJson } from "../src/codec/json.ts";
import { exponential, fixed } from "../src/core/backoff.ts";
import { PayloadError } from "../src/core/error.ts";
import { test } from "./support/suite.ts";

const plain: Envelope = {
  name: "resize",
  maxAttempts: 5,
  backoff: exponential(),
  timeoutMs: 30_000,
  resultTtlMs: 0,
  expiresInMs: undefined,
  label: undefined,
  dedupe: undefined,
  carrier: {},
  depth: 0,
  batched: false,
};

test("readEnvelope() gives what writeEnvelope() was given", () => {
  const full: Envelope = {
    ...plain,
    backoff: fixed(7, { jitter: 0.25 }),
    expiresInMs: 9,
    label: "é|\n",
    dedupe: { key: "k", until: "expired" },
    carrier: { traceparent: "00-a", tracestate: "b=c", baggage: "d=e" },
    depth: 3,
    batched: true,
  };
  for (const envelope of [plain, full]) {
    for (const input of [undefined, null, 0, "", { a: [1, "2"] }]) {
      const text = writeEnvelope(
        envelope,
        input === undefined ? undefined : JSON.stringify(input),
      );
      assert(!text.includes("\n"), "an envelope is one line");
      assertEquals(readEnvelope(text), { kind: "open", envelope, input });
    }
  }
});

test("readEnvelope() ignores what it does not know, and opens no prototype", () => {
  const text = writeEnvelope(plain, '{"__proto__":{"admin":true}}');
  const opened = readEnvelope(text.replace("{", '{"zz":1,'));
  assert(opened.kind === "open");
  assertEquals(opened.envelope, plain);
  assert(!("admin" in {}));
});

test("readEnvelope() puts a newer version aside, and calls everything else invalid", () => {
  assertEquals(readEnvelope('{"v":2,"what":"ever"}'), {
    kind: "newer",
    version: 2,
  });
  const good = JSON.parse(writeEnvelope(plain, undefined));
  const bad = [
    "",
    "garbage",
    "null",
    "[]",
    "7",
    "{}",
    ...["n", "a", "b", "t", "r", "v"].map((key) =>
      JSON.stringify({ ...good, [key]: undefined })
    ),
    JSON.stringify({ ...good, a: -1 }),
    JSON.stringify({ ...good, a: 1.5 }),
    JSON.stringify({ ...good, b: [1] }),
    JSON.stringify({ ...good, b: ["1", 2, 3] }),
  ];
  for (const text of bad) {
    assertEquals(readEnvelope(text).kind, "invalid", text);
  }
});

test("writeFailure() keeps name, message, stack and causes", () => {
  const root = new RangeError("root");
  const error = new Error("outer", { cause: root });
  const kept = readFailure(writeFailure(error));
  assertEquals([kept.name, kept.message], ["Error", "outer"]);
  assertEquals([kept.cause?.name, kept.cause?.message], ["RangeError", "root"]);
  assert(kept.stack?.includes("outer"));
});

test("writeFailure() keeps to its caps, whole characters and no cycle for ever", () => {
  const error = new Error("é".repeat(5_000));
  error.stack = "x".repeat(20_000);
  error.cause = error;
  const kept = readFailure(writeFailure(error));
  assertEquals(kept.message, "é".repeat(2_048));
  assertEquals(kept.stack?.length, 8_192);
  let causes = 0;
  for (let at = kept.cause; at !== undefined; at = at.cause) causes++;
  assertEquals(causes, 8);
  assert(writeAttemptFailure(error).length < 1_200);
});

test("writeFailure() survives what is no error, and errors that fight back", () => {
  const hostile = new Error("hostile");
  for (const key of ["name", "message", "stack", "cause"]) {
    Object.defineProperty(hostile, key, {
      get() {
        throw new Error("no");
      },
    });
  }
  assertEquals(readFailure(writeFailure(hostile)), {
    name: "Error",
    message: "",
  });
  assertEquals(readFailure(writeFailure("text")), {
    name: "string",
    message: "text",
  });
  const thrown = readFailure(writeFailure({ password: "secret" }));
  assert(!JSON.stringify(thrown).includes("secret"));
  assertEquals(readFailure(writeFailure(undefined)).name, "undefined");
  for (const text of ["", "null", "{}", '{"name":1,"message":2}']) {
    assertEquals(readFailure(text).name, "Error");
  }
});

test("writeJson() refuses what JSON would lose, and says where, but not in its message", () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = { cycle };
  const trap = {
    get secret() {
      throw new Error("tok_SECRET");
    },
  };
  const throwing = {
    get toJSON() {
      throw new Error("tok_SECRET");
    },
  };
  const bad: readonly (readonly [unknown, string, string])[] = [
    [1n, "a bigint", ""],
    [{ a: [1, 2n] }, "a bigint", "a.1"],
    [{ a: { b: NaN } }, "NaN", "a.b"],
    [[Infinity], "Infinity", "0"],
    [() => {}, "a function", ""],
    [{ a: Symbol("s") }, "a symbol", "a"],
    [[undefined], "undefined", "0"],
    [cycle, "a cycle", "self.cycle"],
    [{ a: new Map() }, "a Map", "a"],
    [new Uint8Array(2), "a Uint8Array", ""],
    [Promise.resolve(), "a Promise (is an await missing?)", ""],
    [{ a: { toJSON: () => NaN } }, "NaN", "a"],
    [{ a: { toJSON: () => new Date(0) } }, "a Date", "a"],
    [{ a: { toJSON: () => ({ toJSON: () => 1 }) } }, "a function", "a.toJSON"],
    [{ a: throwing }, "a toJSON() that throws", "a"],
    [{ tok_SECRET: 1n }, "a bigint", "tok_SECRET"],
    [trap, "a property that cannot be read", ""],
    [{ a: new Date(NaN), b: 1n }, "a bigint", "b"],
  ];
  for (const [value, says, path] of bad) {
    const error = assertThrows(
      () => writeJson(value, "The input", 100),
      PayloadError,
      says,
    );
    assertEquals(error.issues.map((issue) => issue.path), [path]);
    assert(!error.message.includes("tok_SECRET"));
  }
});

test("writeJson() takes what JSON carries, shared parts and toJSON() included", () => {
  const shared = { a: 1 };
  const value = { x: shared, y: [shared, null, "é"], z: undefined };
  assertEquals(
    writeJson(value, "The input", 100),
    '{"x":{"a":1},"y":[{"a":1},null,"é"]}',
  );
  assertEquals(
    writeJson({ at: new Date(0) }, "The input", 100),
    '{"at":"1970-01-01T00:00:00.000Z"}',
  );
  const itself = Object.defineProperty({ a: 1 }, "toJSON", {
    value: () => itself,
  });
  assertEquals(writeJson([itself], "The input", 100), '[{"a":1}]');
  assertEquals(writeJson(undefined, "The input", 100), undefined);
});

test("writeJson() refuses a list whose elements throw when they are read", () => {
  const list = Object.defineProperty([1], 0, {
    get() {
      throw new Error("tok_SECRET");
    },
  });
  const error = assertThrows(
    () => writeJson(list, "The input", 100),
    PayloadError,
  );
  assertEquals(error.message, "The input cannot be written as JSON");
});

test("writeJson() counts bytes, not characters", () => {
  assertEquals(writeJson("é".repeat(4), "The input", 10), '"éééé"');
  assertThrows(
    () => writeJson("é".repeat(5), "The input", 10),
    PayloadError,
    "The input is 12 bytes of JSON: the limit is 10",
  );
});
