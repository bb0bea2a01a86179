import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import {
  context as api,
  createTraceState,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import {
  EdgeContextManager,
  formatBaggage,
  formatTraceparent,
  parseBaggage,
  parseTraceparent,
  TraceState,
  W3CPropagator,
} from "../src/w3c/mod.ts";
import { suppressTracing } from "../src/w3c/suppression.ts";
import { test } from "./support/suite.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const HEADER = `00-${TRACE}-${SPAN}-01`;

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
  assertEquals(TraceState.parse(" , "), undefined);
});

test("TraceState.parse() refuses a list with one bad entry whole", () => {
  for (
    const bad of [
      "foo",
      "=1",
      "foo=",
      "Foo=1",
      "@foo=1",
      "foo =1",
      "fo.o=1",
      "foo=1=2",
      "foo=é",
      "ok=2",
      `${"a".repeat(257)}=1`,
      `a=${"1".repeat(257)}`,
      "foo\u00a0=1",
    ]
  ) assertEquals(TraceState.parse(`ok=1,${bad}`), undefined, bad);
});

test("TraceState.parse() takes 32 entries and 8,192 characters, not more", () => {
  const members = (count: number) =>
    Array.from({ length: count }, (_, i) => `k${i}=1`).join(",");
  assertEquals(TraceState.parse(members(32))?.serialize(), members(32));
  assertEquals(TraceState.parse(members(33)), undefined);
  const blanks = " ".repeat(8189);
  assertEquals(TraceState.parse(`a=1${blanks}`)?.get("a"), "1");
  assertEquals(TraceState.parse(`a=1${blanks} `), undefined);
  assertEquals(TraceState.parse(["a=1", blanks]), undefined);
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
});

test("parseBaggage() reads the vectors of w3c/baggage", () => {
  const t = " \t ";
  const special = "\t \"';=asdf!@#$%^&*()";
  const quoted = "%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29";
  for (
    const [header, value, properties] of [
      ["SomeKey=SomeValue", "SomeValue", ""],
      [`SomeKey${t}=${t}SomeValue${t}`, "SomeValue", ""],
      ["SomeKey=SomeValue=equals", "SomeValue=equals", ""],
      [`SomeKey=${quoted}`, special, ""],
      [`SomeKey${t}=${t}${quoted}${t}`, special, ""],
      ["SomeKey=SomeValue;SomeProp", "SomeValue", "SomeProp"],
      [
        `SomeKey=SomeValue${t};${t}SomeProp${t};${t}SecondProp${t}=${t}PropValue`,
        "SomeValue",
        "SomeProp;SecondProp=PropValue",
      ],
      ["SomeKey=SomeValue;P;P=1;P=2", "SomeValue", "P;P=1;P=2"],
      [`SomeKey=SomeValue;P=${quoted}`, "SomeValue", `P=${quoted}`],
      ["SomeKey=SomeValue;P%20%3D%20V", "SomeValue", "P%20%3D%20V"],
    ] as const
  ) {
    const entry = parseBaggage(header)?.getEntry("SomeKey");
    assertEquals(entry?.value, value, header);
    assertEquals(entry?.metadata?.toString() ?? "", properties, header);
  }
  const two = parseBaggage(`a${t}=${t}1${t},${t}b=2;c`);
  assertEquals(two?.getEntry("a")?.value, "1");
  assertEquals(two?.getEntry("b")?.value, "2");
});

test("parseBaggage() leaves out malformed entries and repairs bad UTF-8", () => {
  const baggage = parseBaggage(
    "=1,noequals,a b=1,ok=1,bad=%C3%28x,cut=%E2%82,percent=50%,ok=2,,",
  );
  assertEquals(
    baggage?.getAllEntries().map(([key, { value }]) => [key, value]),
    [
      ["ok", "2"],
      ["bad", "\ufffd(x"],
      ["cut", "\ufffd"],
      ["percent", "50%"],
    ],
  );
  assertEquals(parseBaggage(""), undefined);
  assertEquals(parseBaggage("nothing"), undefined);
  assertEquals(parseBaggage("__proto__=1")?.getEntry("__proto__")?.value, "1");
});

test("parseBaggage() refuses more than 8,192 characters before it reads them", () => {
  const long = `a=${"1".repeat(8190)}`;
  assertEquals(parseBaggage(long)?.getEntry("a")?.value.length, 8190);
  assertEquals(parseBaggage(`${long}1`), undefined);
  assertEquals(parseBaggage([long, "b=1"]), undefined);
});

test("formatBaggage() encodes values and gives back what parseBaggage() read", () => {
  const value = "\t \"';=asdf!@#$%^&*()";
  const baggage = propagation.createBaggage({ SomeKey: { value } });
  const header = "SomeKey=%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29";
  assertEquals(formatBaggage(baggage), header);
  for (const same of ["a=1,b=2;x;y=%20z", "clé=1", "a=%F0%9F%8E%88%2C"]) {
    const read = parseBaggage(same);
    assertEquals(read ? formatBaggage(read) : "", same === "clé=1" ? "" : same);
  }
  assertEquals(
    formatBaggage(propagation.createBaggage({ a: { value: "\ud800" } })),
    "a=%EF%BF%BD",
  );
});

test("formatBaggage() leaves out, whole, what no header can carry and what exceeds 8,192 bytes", () => {
  const metadata = { toString: () => "é" } as never;
  assertEquals(
    formatBaggage(propagation.createBaggage({
      "no token": { value: "1" },
      b: { value: "2", metadata },
    })),
    "b=2",
  );
  const many = Object.fromEntries(
    Array.from(
      { length: 513 },
      (_, i) => [String(i).padStart(3, "0"), { value: "0123456789a" }],
    ),
  );
  assertEquals(formatBaggage(propagation.createBaggage(many)).length, 8191);
  const long = { a: { value: "1".repeat(8190) }, b: { value: "1" } };
  assertEquals(formatBaggage(propagation.createBaggage(long)).length, 8192);
});

function extract(
  carrier: Record<string, string | string[]>,
  propagator = new W3CPropagator(),
) {
  return propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
}

function inject(context = ROOT_CONTEXT, propagator = new W3CPropagator()) {
  const carrier: Record<string, string> = {};
  propagator.inject(context, carrier, defaultTextMapSetter);
  return carrier;
}

test("W3CPropagator hands on what it extracted, the random flag and foreign entries included", () => {
  const carrier = {
    traceparent: `00-${TRACE}-${SPAN}-03`,
    tracestate: "foo=1,bar@x=2",
    baggage: "user=a%20b;secret",
  };
  assertEquals(inject(extract(carrier)), carrier);
  assertEquals(trace.getSpanContext(extract(carrier))?.isRemote, true);
});

test("W3CPropagator.extract() ignores an invalid traceparent and its tracestate, not the baggage", () => {
  const rest = { tracestate: "foo=1", baggage: "a=1" };
  for (const bad of ["", "nonsense", [], [HEADER, HEADER]]) {
    const context = extract({ traceparent: bad, ...rest });
    assertEquals(trace.getSpanContext(context), undefined);
    assertEquals(propagation.getBaggage(context)?.getEntry("a")?.value, "1");
  }
  assertStrictEquals(extract({}), ROOT_CONTEXT);
});

test("W3CPropagator.extract() leaves traceparent alone when tracestate is invalid", () => {
  const span = trace.getSpanContext(
    extract({ traceparent: [HEADER], tracestate: ["a=1", "a=2"] }),
  );
  assertEquals(span?.traceId, TRACE);
  assertEquals(span?.traceState, undefined);
  const joined = trace.getSpanContext(
    extract({ traceparent: HEADER, tracestate: ["a=1", "b=2"] }),
  );
  assertInstanceOf(joined?.traceState, TraceState);
  assertEquals(joined.traceState.serialize(), "a=1,b=2");
});

test("W3CPropagator carries no baggage when told so", () => {
  const silent = new W3CPropagator({ baggage: false });
  const context = extract({ traceparent: HEADER, baggage: "a=1" }, silent);
  assertEquals(propagation.getBaggage(context), undefined);
  const full = extract({ traceparent: HEADER, baggage: "a=1" });
  assertEquals(inject(full, silent), { traceparent: HEADER });
  assertEquals(silent.fields(), ["traceparent", "tracestate"]);
  assertEquals(new W3CPropagator().fields().at(-1), "baggage");
});

test("W3CPropagator.inject() writes no trace that is invalid or suppressed, and no empty tracestate", () => {
  const span = (traceId: string, spanId: string) =>
    trace.setSpanContext(ROOT_CONTEXT, {
      traceId,
      spanId,
      traceFlags: 1,
      traceState: createTraceState(),
    });
  assertEquals(inject(span(TRACE, SPAN)), { traceparent: HEADER });
  assertEquals(inject(span("0".repeat(32), SPAN)), {});
  assertEquals(inject(span(TRACE, "xyz")), {});
  assertEquals(inject(suppressTracing(span(TRACE, SPAN))), {});
  assertEquals(inject(), {});
});

const KEY = Symbol.for("w3c_test");

test("EdgeContextManager keeps the context across await where the host can, else just calls", async () => {
  const manager = new EdgeContextManager();
  const run = (value: number) =>
    manager.with(
      ROOT_CONTEXT.setValue(KEY, value),
      async (factor: number) => {
        const seen: unknown[] = [manager.active().getValue(KEY)];
        await new Promise((resolve) => setTimeout(resolve, value));
        seen.push(manager.active().getValue(KEY));
        await { then: (resolve: () => void) => resolve() };
        seen.push(manager.active().getValue(KEY));
        return [value * factor, seen];
      },
      undefined,
      10,
    );
  const keeps = (value: number) => manager.available ? value : undefined;
  assertEquals(await Promise.all([run(2), run(1)]), [
    [20, [keeps(2), keeps(2), keeps(2)]],
    [10, [keeps(1), keeps(1), keeps(1)]],
  ]);
  assertStrictEquals(manager.active(), ROOT_CONTEXT);
});

test("EdgeContextManager.bind() runs functions in their context and leaves other things alone", () => {
  const manager = new EdgeContextManager();
  const thing = {};
  assertStrictEquals(manager.bind(ROOT_CONTEXT, thing), thing);
  const object = {
    factor: 2,
    times(this: { factor: number }, n: number) {
      return [this.factor * n, manager.active().getValue(KEY)];
    },
  };
  object.times = manager.bind(ROOT_CONTEXT.setValue(KEY, 7), object.times);
  assertEquals(object.times(3), [6, manager.available ? 7 : undefined]);
});

test("EdgeContextManager serves the API when it is registered", () => {
  const manager = new EdgeContextManager().enable();
  assert(api.setGlobalContextManager(manager));
  try {
    const context = ROOT_CONTEXT.setValue(KEY, 1);
    const seen = api.with(context, () => api.active().getValue(KEY));
    assertEquals(seen, manager.available ? 1 : undefined);
  } finally {
    api.disable();
  }
});
