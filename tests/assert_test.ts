import * as assertions from "./support/assert.ts";
import { equal } from "./support/equal.ts";
import { diff, show } from "./support/show.ts";
import { test } from "./support/suite.ts";

const {
  AssertionError,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} = assertions;
// functions that narrow need a declared type
const assert: typeof assertions.assert = assertions.assert;
const assertExists: typeof assertions.assertExists = assertions.assertExists;
const assertInstanceOf: typeof assertions.assertInstanceOf =
  assertions.assertInstanceOf;
const assertIsError: typeof assertions.assertIsError = assertions.assertIsError;
const assertStrictEquals: typeof assertions.assertStrictEquals =
  assertions.assertStrictEquals;

/** The message of the AssertionError; independent of the functions under test. */
function failure(body: () => void): string {
  try {
    body();
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
  throw new Error("The assertion held");
}

async function rejection(body: () => Promise<unknown>): Promise<string> {
  try {
    await body();
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
  throw new Error("The assertion held");
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}

const cycle = (value: number): object => {
  const ring: Record<string, unknown> = { value };
  ring["self"] = ring;
  return ring;
};

const same: readonly (readonly [unknown, unknown])[] = [
  [1, 1],
  [0, -0],
  [NaN, NaN],
  ["a", "a"],
  [1n, 1n],
  [null, null],
  [undefined, undefined],
  [[], []],
  [[1, [2]], [1, [2]]],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }],
  [{ a: undefined }, { a: undefined }],
  [Object.create(null), {}],
  [new Date(5), new Date(5)],
  [new Date(NaN), new Date(NaN)],
  [/a/g, /a/g],
  [new URL("https://a.example"), new URL("https://a.example/")],
  [new Set([1, 2]), new Set([2, 1])],
  [new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 2 }, { a: 1 }])],
  [new Map([["a", [1]]]), new Map([["a", [1]]])],
  [new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 1]])],
  [new Uint8Array([1, 2]), new Uint8Array([0, 1, 2]).subarray(1)],
  [new Uint8Array([1]).buffer, new Uint8Array([1]).buffer],
  [new Error("a", { cause: 1 }), new Error("a", { cause: 1 })],
  [new Point(1), new Point(1)],
  [{ [Symbol.for("a")]: 1 }, { [Symbol.for("a")]: 1 }],
  [cycle(1), cycle(1)],
];

const different: readonly (readonly [unknown, unknown])[] = [
  [1, 2],
  [1, "1"],
  [1, 1n],
  [null, undefined],
  [{}, null],
  [[], {}],
  [[1], [1, 2]],
  [[1, 2], [2, 1]],
  [[undefined], []],
  [{ a: 1 }, { a: 2 }],
  [{ a: undefined }, {}],
  [{ a: undefined }, { b: undefined }],
  [new Date(5), new Date(6)],
  [new Date(5), 5],
  [/a/g, /a/i],
  [new Set([1]), new Set([2])],
  [new Set([{ a: 1 }, { a: 1 }]), new Set([{ a: 1 }, { a: 2 }])],
  [new Set([1]), [1]],
  [new Map([["a", 1]]), new Map([["a", 2]])],
  [new Map([["a", undefined]]), new Map([["b", undefined]])],
  [new Uint8Array([1]), new Uint8Array([2])],
  [new Uint8Array([1]), new Int8Array([1])],
  [new Error("a"), new Error("b")],
  [new Error("a"), new TypeError("a")],
  [new Error("a", { cause: 1 }), new Error("a", { cause: 2 })],
  [new Point(1), { x: 1 }],
  [{ [Symbol.for("a")]: 1 }, { [Symbol.for("a")]: 2 }],
  [cycle(1), cycle(2)],
  [() => 1, () => 1],
];

test("equal() finds equal content, whatever the order of keys and members", () => {
  for (const [a, b] of same) must(equal(a, b), `${show(a)} = ${show(b)}`);
});

test("equal() tells apart values, kinds, prototypes and key sets", () => {
  for (const [a, b] of different) {
    must(!equal(a, b), `${show(a)} != ${show(b)}`);
    must(!equal(b, a), `${show(b)} != ${show(a)}`);
  }
});

test("equal() throws TypeError when given what cannot be looked into", () => {
  let caught: unknown;
  try {
    equal(new WeakMap(), new WeakMap());
  } catch (error) {
    caught = error;
  }
  must(caught instanceof TypeError, "a TypeError");
});

test("show() renders every kind with sorted keys", () => {
  const text = show({
    b: [1, "two", 3n, -0, undefined],
    a: new Map([["k", new Set([1])]]),
    when: new Date(0),
    bytes: new Uint8Array([1, 2]),
    error: new TypeError("no"),
    "two words": null,
    point: new Point(1),
  });
  must(
    text === `{
  a: Map(1) {
    "k" => Set(1) {
      1,
    },
  },
  b: [
    1,
    "two",
    3n,
    -0,
    undefined,
  ],
  bytes: Uint8Array(2) [1, 2],
  error: TypeError("no") {},
  point: Point {
    x: 1,
  },
  "two words": null,
  when: 1970-01-01T00:00:00.000Z,
}`,
    text,
  );
  must(show(cycle(1)).includes("[Circular]"), "cycles end");
});

test("diff() shows what differs and cuts the rest short", () => {
  const lines = Array.from({ length: 20 }, (_, i) => String(i));
  const text = diff(
    lines.join("\n"),
    lines.with(10, "ten").join("\n"),
  );
  const want = "  …\n  7\n  8\n  9\n- 10\n+ ten\n  11\n  12\n  13\n  …";
  must(text === want, text);
});

test("assertEquals() fails with the difference and the caller's message", () => {
  assertEquals({ a: [1] }, { a: [1] });
  const message = failure(() => assertEquals({ a: 1 }, { a: 2 }, "the books"));
  must(message.startsWith("Values are not equal: the books\n"), message);
  must(message.includes("-   a: 1,\n+   a: 2,"), message);
  must(
    failure(() => assertEquals<unknown>(() => {}, () => {})).includes(
      "both read",
    ),
    "says so when both read the same",
  );
});

test("assertNotEquals() fails when both are equal", () => {
  assertNotEquals({ a: 1 }, { a: 2 });
  failure(() => assertNotEquals({ a: 1 }, { a: 1 }));
});

test("assertStrictEquals() wants the same reference", () => {
  const value = {};
  assertStrictEquals(value, value);
  assertStrictEquals(NaN, NaN);
  must(
    failure(() => assertStrictEquals({}, {})).includes("reference"),
    "says it is the reference",
  );
  failure(() => assertStrictEquals(1, 2));
  failure(() => assertStrictEquals(0, -0));
  assertNotStrictEquals({}, {});
  failure(() => assertNotStrictEquals(value, value));
});

test("assert() and assertFalse() look at truth", () => {
  assert(1);
  must(failure(() => assert("", "empty")) === "empty", "keeps the message");
  assertFalse(0);
  must(failure(() => assertFalse(1, "one")) === "one", "keeps the message");
});

test("assertExists() takes all but null and undefined", () => {
  assertExists(0);
  assertExists("");
  failure(() => assertExists(null));
  failure(() => assertExists(undefined));
});

test("assertInstanceOf() names both classes when it fails", () => {
  assertInstanceOf(new TypeError(), Error);
  const message = failure(() => assertInstanceOf(new Date(), RegExp));
  must(message.includes("RegExp") && message.includes("Date"), message);
  failure(() => assertInstanceOf(null, Object));
});

test("assertMatch() and assertNotMatch() apply the expression", () => {
  assertMatch("abc", /b/);
  failure(() => assertMatch("abc", /x/));
  assertNotMatch("abc", /x/);
  failure(() => assertNotMatch("abc", /b/));
});

test("assertStringIncludes() and assertArrayIncludes() look for parts", () => {
  assertStringIncludes("abc", "bc");
  failure(() => assertStringIncludes("abc", "cb"));
  assertArrayIncludes([{ a: 1 }, { a: 2 }], [{ a: 2 }]);
  must(
    failure(() => assertArrayIncludes([1, 2], [2, 3])).includes("missing"),
    "names what is missing",
  );
});

test("assertObjectMatch() ignores what is not expected, at every depth", () => {
  const actual = {
    a: 1,
    b: { c: [1, { d: 2, e: 3 }], f: 4 },
    m: new Map([["x", { y: 1, z: 2 }], ["w", { y: 0, z: 0 }]]),
    p: new Point(1),
  };
  assertObjectMatch(actual, { b: { c: [1, { d: 2 }] } });
  assertObjectMatch(actual, { m: new Map([["x", { z: 2 }]]) });
  assertObjectMatch(actual, { p: { x: 1 } });
  assertObjectMatch(cycle(1), { value: 1, self: { value: 1 } });
  failure(() => assertObjectMatch(actual, { a: 2 }));
  failure(() => assertObjectMatch(actual, { missing: undefined }));
  failure(() => assertObjectMatch(actual, { b: { c: [1, { d: 3 }] } }));
  failure(() => assertObjectMatch(actual, { b: [] }));
  failure(() => assertObjectMatch({ at: new Date(1) }, { at: new Date(2) }));
});

test("assertAlmostEquals() and the orders compare numbers", () => {
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(10, 11, 1);
  assertAlmostEquals(-1_000_000.01, -1_000_000);
  failure(() => assertAlmostEquals(10, 11));
  failure(() => assertAlmostEquals(NaN, 1, 1));
  assertGreater(2, 1);
  failure(() => assertGreater(1, 1));
  assertGreaterOrEqual(1, 1);
  failure(() => assertGreaterOrEqual(0, 1));
  assertLess(1, 2);
  failure(() => assertLess(1, 1));
  assertLessOrEqual(1, 1);
  failure(() => assertLessOrEqual(2, 1));
});

test("assertThrows() returns the error of the class and message", () => {
  const throws = (): never => {
    throw new TypeError("bad shape");
  };
  const error = assertThrows(throws, TypeError, "shape");
  must(error.message === "bad shape", error.message);
  assertThrows(throws);
  assertThrows(throws, "some message");
  failure(() => assertThrows(throws, RangeError));
  failure(() => assertThrows(throws, TypeError, "range"));
  failure(() => assertThrows(() => {}));
  failure(() => assertThrows(() => {}, TypeError));
  const message = failure(() =>
    assertThrows(() => {
      throw "text";
    }, Error)
  );
  must(message.includes("non-Error"), message);
});

test("assertRejects() resolves with the error of the class and message", async () => {
  const rejects = () => Promise.reject(new RangeError("too far"));
  const error = await assertRejects(rejects, RangeError, "far");
  must(error.message === "too far", error.message);
  await assertRejects(rejects);
  await rejection(() => assertRejects(rejects, TypeError));
  await rejection(() => assertRejects(rejects, RangeError, "near"));
  await rejection(() => assertRejects(() => Promise.resolve()));
  const message = await rejection(() =>
    assertRejects(() => {
      throw new Error("at once");
    })
  );
  must(message.includes("expected to reject"), message);
});

test("assertIsError() takes a text or an expression for the message", () => {
  assertIsError(new TypeError("a b"), TypeError, "a");
  assertIsError(new Error("a b"), Error, /b$/);
  failure(() => assertIsError("text"));
  failure(() => assertIsError(new Error("a"), TypeError));
  failure(() => assertIsError(new Error("a"), Error, /b/));
});

test("fail() and unreachable() always fail", () => {
  must(failure(() => fail("why")).includes("why"), "says why");
  must(failure(() => unreachable()).includes("Unreachable"), "says so");
});
