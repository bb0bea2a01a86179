/** Trace context: what its two headers may hold, how they are read and written, and where they end. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  formatTraceparent,
  parseTraceparent,
  TraceState,
} from "../src/w3c/mod.ts";
import { truncateTracestate } from "../src/w3c/tracestate.ts";
import { endless, lines } from "./support/header.ts";
import { test } from "./support/suite.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const HEADER = `00-${TRACE}-${SPAN}-01`;

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

test("parseTraceparent() reads the four fields, and of the flags sampled and random", () => {
  for (
    const [flags, expected] of [
      ["00", 0],
      ["01", 1],
      ["02", 2],
      ["03", 3],
      ["ff", 3],
      ["08", 0],
    ] as const
  ) {
    assertEquals(parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`), {
      traceId: TRACE,
      spanId: SPAN,
      traceFlags: expected,
      isRemote: true,
    });
  }
});

test("parseTraceparent() refuses what is not a valid header", () => {
  for (
    const header of [
      "",
      "00",
      HEADER.slice(0, -1),
      HEADER + "-",
      HEADER + "-extra",
      HEADER + "0",
      ` ${HEADER}`,
      `${HEADER} `,
      HEADER.toUpperCase(),
      `ff-${TRACE}-${SPAN}-01`,
      `0-${TRACE}-${SPAN}-01`,
      `.0-${TRACE}-${SPAN}-01`,
      `00-${"0".repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${"0".repeat(16)}-01`,
      `00-${TRACE.slice(1)}-${SPAN}-01`,
      `00-${TRACE.replace("a", "g")}-${SPAN}-01`,
      `00-${TRACE}-${SPAN.replace("b", ".")}-01`,
      `00-${TRACE}-${SPAN}-.1`,
      `00-${TRACE}-${SPAN}-1`,
      `00_${TRACE}_${SPAN}_01`,
      `cc-${TRACE}-${SPAN}-01.what-the-future-will-be-like`,
      `${HEADER}\n`,
      `cc-${TRACE}-${SPAN}-01\n`,
    ]
  ) assertEquals(parseTraceparent(header), undefined, header);
});

test("parseTraceparent() reads later versions as far as it knows them", () => {
  for (const rest of ["", "-", "-what-the-future-will-be-like"]) {
    const span = parseTraceparent(`cc-${TRACE}-${SPAN}-01${rest}`);
    assertEquals(span?.traceId, TRACE, rest);
    assertEquals(span?.traceFlags, 1);
  }
});

test("formatTraceparent() writes version 00 and only the known flags", () => {
  const ids = { traceId: TRACE, spanId: SPAN };
  assertEquals(formatTraceparent({ ...ids, traceFlags: 1 }), HEADER);
  assertEquals(
    formatTraceparent({ ...ids, traceFlags: 0xff }),
    `00-${TRACE}-${SPAN}-03`,
  );
});

test("TraceState.parse() takes level 2's keys and values", () => {
  for (
    const header of [
      "foo=1",
      "foo=1,bar=2",
      "0a=1",
      "foo@=1",
      "foo@bar=1",
      "a-_*/@9=!~ x",
      `${"a".repeat(256)}=1`,
      `a=${"1".repeat(256)}`,
      "a= x",
    ]
  ) assertEquals(TraceState.parse(header)?.serialize(), header, header);
});

test("TraceState.parse() drops the whitespace around entries and the empty ones", () => {
  const state = TraceState.parse([" a=1 \t, ,,\tb=2", "", "c= 3 "]);
  assertEquals(state?.serialize(), "a=1,b=2,c= 3");
  assertEquals(state?.get("c"), " 3");
  assertEquals(TraceState.parse(""), undefined);
  assertEquals(TraceState.parse("a=1 ")?.serialize(), "a=1");
  assertEquals(TraceState.parse("a=1 ,b=2")?.serialize(), "a=1,b=2");
  assertEquals(TraceState.parse(" , "), undefined);
});

test("TraceState.parse() refuses a list with one bad entry whole", () => {
  for (
    const bad of [
      "foo",
      "=1",
      "foo=",
      "foo= ",
      "Foo=1",
      "@foo=1",
      "foo =1",
      "fo.o=1",
      "foo=1=2",
      "foo=é",
      `${"a".repeat(257)}=1`,
      `a=${"1".repeat(257)}`,
      "foo\u00a0=1",
    ]
  ) assertEquals(TraceState.parse(`ok=1,${bad}`), undefined, bad);
});

test("TraceState.parse() takes 32 entries of full length over any lines, not one more", () => {
  const members = times(
    33,
    (i) => `${String(i).padEnd(256, "k")}=${"v".repeat(256)}`,
  );
  const full = members.slice(0, 32);
  assertEquals(TraceState.parse(full)?.serialize(), full.join(","));
  assertEquals(TraceState.parse(full.join(","))?.serialize().length, 16_447);
  assertEquals(TraceState.parse(full.join(" ,")), undefined);
  assertEquals(TraceState.parse(members), undefined);
  const short = times(33, (i) => `k${i}=1`);
  assertEquals(TraceState.parse(short.slice(1))?.get("k32"), "1");
  assertEquals(TraceState.parse(short), undefined);
});

test("TraceState.parse() refuses what is too long without reading it", () => {
  assertEquals(TraceState.parse([endless(16_448)]), undefined);
  assertEquals(TraceState.parse(["a=1", endless(16_448)]), undefined);
  assertEquals(TraceState.parse(lines("a=1", 4_113)), undefined);
  assertEquals(TraceState.parse(lines("", 16_449)), undefined);
});

test("TraceState hands a repeated key on as it came: the first counts, and a change replaces both", () => {
  const state = TraceState.parse(["foo=1,bar=2", "foo=3"]);
  assertEquals(state?.serialize(), "foo=1,bar=2,foo=3");
  assertEquals(state?.get("foo"), "1");
  assertEquals(state?.set("foo", "4").serialize(), "foo=4,bar=2");
  assertEquals(state?.unset("foo").serialize(), "bar=2");
});

test("truncateTracestate() cuts whole entries: first those over 128 characters, then from the right", () => {
  const long = (key: string) => `${key}=${"1".repeat(127)}`;
  const fits = `b=${"1".repeat(126)}`;
  const text = ["a=1", long("c"), fits, long("d"), "e=1"].join(",");
  for (
    const [max, expected] of [
      [text.length, text],
      [text.length - 1, ["a=1", long("c"), fits, "e=1"].join(",")],
      [266, ["a=1", long("c"), fits, "e=1"].join(",")],
      [265, ["a=1", fits, "e=1"].join(",")],
      [136, ["a=1", fits, "e=1"].join(",")],
      [135, ["a=1", fits].join(",")],
      [131, "a=1"],
      [2, ""],
    ] as const
  ) assertEquals(truncateTracestate(text, max), expected, String(max));
  assertEquals(truncateTracestate("", 0), "");
});

test("TraceState.set() puts the entry first and drops the last of 33", () => {
  let state = new TraceState();
  for (let i = 0; i < 33; i++) state = state.set(`k${i}`, "1");
  assertEquals(state.get("k0"), undefined);
  assertEquals(state.get("k1"), "1");
  assert(state.serialize().startsWith("k32=1,k31=1"));
  const changed = state.set("k5", "2");
  assert(changed.serialize().startsWith("k5=2,k32=1"));
  assertEquals(state.get("k5"), "1");
  assertEquals(changed.unset("k5").get("k5"), undefined);
  assertStrictEquals(state.set("BAD", "1"), state);
  assertStrictEquals(state.set("a", "1,2"), state);
  assertStrictEquals(state.set("a", "1,b=2"), state);
  assertStrictEquals(state.set("a=1,b", "2"), state);
  assertStrictEquals(state.set("a=b", "2"), state);
  assertStrictEquals(state.set("a", ""), state);
  assertStrictEquals(state.set("a", "1 "), state);
});
