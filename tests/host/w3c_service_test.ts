/**
 * The 41 cases of the official W3C Trace Context harness, at its strictest, in
 * words and data of our own: one test for each, over real HTTP. How the harness
 * itself is run, tests/conformance/w3c_service.ts tells.
 */
import { assert, assertEquals } from "@std/assert";
import { type Call, serve } from "../conformance/w3c_service.ts";
import { test } from "../support/suite.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
const VALID = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/;

/** Every character that a key and a value may have. */
const KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
const VALUE = String.fromCharCode(
  ...Array.from({ length: 95 }, (_, i) => 32 + i).filter((code) =>
    code !== 44 && code !== 61
  ),
);

/** One request: the header lines that it sends, and what must come of them. */
interface Sent {
  readonly lines: readonly string[];
  /** Whether the caller's trace goes on, or a new one begins. */
  readonly goesOn: boolean;
  readonly tracestate?: string | undefined;
}

const PARENT = `00-${TRACE}-${SPAN}-01`;

/** A request whose trace must go on. */
function same(lines: readonly string[], tracestate?: string): Sent {
  return { lines, goesOn: true, tracestate };
}

/** A request with lines of tracestate in a valid trace. */
function state(lines: readonly string[], tracestate?: string): Sent {
  const all = lines.map((line) => `tracestate: ${line}`);
  return same([`traceparent: ${PARENT}`, ...all], tracestate);
}

/** A request that must begin a trace, and carry no tracestate on. */
function fresh(...lines: readonly string[]): Sent {
  return { lines, goesOn: false };
}

/** Requests whose traceparent must be ignored. */
function bad(...values: readonly string[]): readonly Sent[] {
  return values.map((value) => fresh(`traceparent: ${value}`));
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `v${from + i}=${i}`).join();

/** The cases of traceparent. */
const parents: Readonly<Record<string, readonly Sent[]>> = {
  "alone": [same([`traceparent: ${PARENT}`])],
  "nowhere": [fresh()],
  "twice": [fresh(`traceparent: ${PARENT}`, `traceparent: ${PARENT}`)],
  "under wrong names": [
    fresh(`trace-parent: ${PARENT}`),
    fresh(`trace.parent: ${PARENT}`),
  ],
  "with names in any case": ["TraceParent", "tRaCePaReNt", "TRACEPARENT"].map(
    (name) => same([`${name}: ${PARENT}`]),
  ),
  "with whitespace around it": [
    same([`traceparent: ${PARENT}`]),
    same([`traceparent:\t${PARENT}`]),
    same([`traceparent:${PARENT} `]),
    same([`traceparent:${PARENT}\t`]),
    same([`traceparent:\t ${PARENT} \t`]),
  ],
  "of version 00 with more than it has": bad(
    `${PARENT}.`,
    `${PARENT}-what-the-future-will-be-like`,
  ),
  "of version cc": [
    same([`traceparent: cc-${TRACE}-${SPAN}-01`]),
    same([`traceparent: cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`]),
    ...bad(`cc-${TRACE}-${SPAN}-01.what-the-future-will-be-like`),
  ],
  "of version ff": bad(`ff-${TRACE}-${SPAN}-01`),
  "of a version that is no number": bad(
    `.0-${TRACE}-${SPAN}-01`,
    `0.-${TRACE}-${SPAN}-01`,
  ),
  "of a version too long": bad(
    `000-${TRACE}-${SPAN}-01`,
    `0000-${TRACE}-${SPAN}-01`,
  ),
  "of a version too short": bad(`0-${TRACE}-${SPAN}-01`),
  "with a trace id of zeros": bad(`00-${NO_TRACE}-${SPAN}-01`),
  "with a trace id that is no number": bad(
    `00-.${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE.slice(1)}.-${SPAN}-01`,
  ),
  "with a trace id too long": bad(`00-${TRACE}3-${SPAN}-01`),
  "with a trace id too short": bad(`00-${TRACE.slice(1)}-${SPAN}-01`),
  "with a parent id of zeros": bad(`00-${TRACE}-${NO_SPAN}-01`),
  "with a parent id that is no number": bad(
    `00-${TRACE}-.${SPAN.slice(1)}-01`,
    `00-${TRACE}-${SPAN.slice(1)}.-01`,
  ),
  "with a parent id too long": bad(`00-${TRACE}-${SPAN}7-01`),
  "with a parent id too short": bad(`00-${TRACE}-${SPAN.slice(1)}-01`),
  "with flags that are no number": bad(
    `00-${TRACE}-${SPAN}-.0`,
    `00-${TRACE}-${SPAN}-0.`,
  ),
  "with flags too long": bad(`00-${TRACE}-${SPAN}-001`),
  "with flags too short": bad(`00-${TRACE}-${SPAN}-1`),
  "with the random flag": [same([`traceparent: 00-${TRACE}-${SPAN}-02`])],
};

/** The cases of tracestate. */
const states: Readonly<Record<string, readonly Sent[]>> = {
  "without traceparent": [
    fresh("tracestate: foo=1"),
    fresh("tracestate: foo=1,bar=2"),
  ],
  "with traceparent": [state(["foo=1,bar=2"], "foo=1,bar=2")],
  "under wrong names": [
    same([`traceparent: ${PARENT}`, "trace-state: foo=1"]),
    same([`traceparent: ${PARENT}`, "trace.state: foo=1"]),
  ],
  "with names in any case": ["TraceState", "tRaCeStAtE", "TRACESTATE"].map(
    (name) => same([`traceparent: ${PARENT}`, `${name}: foo=1`], "foo=1"),
  ),
  "of empty lines": [
    state([""]),
    state(["foo=1", ""], "foo=1"),
    state(["", "foo=1"], "foo=1"),
  ],
  "of several lines": [
    state(
      ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
      "foo=1,bar=2,rojo=1,congo=2,baz=3",
    ),
  ],
  "of repeated keys": [
    state(["foo=1,foo=1"], "foo=1,foo=1"),
    state(["foo=1,foo=2"], "foo=1,foo=2"),
    state(["foo=1", "foo=1"], "foo=1,foo=1"),
    state(["foo=1", "foo=2"], "foo=1,foo=2"),
  ],
  "of every character that it may have": [
    state([`${KEY}=${VALUE}`], `${KEY}=${VALUE}`),
    state([`${KEY}@${KEY}=${VALUE}`], `${KEY}@${KEY}=${VALUE}`),
  ],
  "with whitespace": [
    state(["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
    state(["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
    state([" foo=1"], "foo=1"),
    state(["\tfoo=1"], "foo=1"),
    state(["foo=1 "], "foo=1"),
    state(["foo=1\t"], "foo=1"),
    state(["\t foo=1 \t"], "foo=1"),
  ],
  "of keys with characters that they may not have": [
    state(["foo =1"]),
    state(["FOO=1"]),
    state(["foo.bar=1"]),
  ],
  "of keys with at signs": [
    state(["foo@=1,bar=2"], "foo@=1,bar=2"),
    state(["@foo=1,bar=2"]),
    state(["foo@@bar=1,bar=2"], "foo@@bar=1,bar=2"),
    state(["foo@bar@baz=1,bar=2"], "foo@bar@baz=1,bar=2"),
  ],
  "of 32 and 33 entries": [
    state(
      [numbered(0, 20), numbered(20, 32)],
      [
        numbered(0, 20),
        numbered(20, 32),
      ].join(),
    ),
    state([numbered(0, 20), numbered(20, 33)]),
  ],
  "of the longest keys and a longer one": [
    ...[
      "z".repeat(256),
      `${"t".repeat(241)}@${"v".repeat(14)}`,
      `${"t".repeat(242)}@v`,
      `t@${"v".repeat(15)}`,
    ].map((key) => state(["foo=1", `${key}=1`], `foo=1,${key}=1`)),
    state(["foo=1", `${"z".repeat(257)}=1`]),
  ],
  "of values that it may not have": [
    state(["foo=bar=baz"]),
    state(["foo=,bar=3"]),
  ],
};

/** The cases of several calls at one request. */
const several: Readonly<Record<string, readonly Sent[]>> = {
  "a trace": [same([`traceparent: ${PARENT}`])],
  "no trace": [fresh()],
  "a bad trace": bad(`00-${NO_TRACE}-${SPAN}-01`),
};

for (
  const [group, cases, calls] of [
    ["traceparent", parents, 1],
    ["tracestate", states, 1],
    ["three calls in", several, 3],
  ] as const
) {
  for (const [name, sends] of Object.entries(cases)) {
    test(`the service carries on what it must of ${group} ${name}`, async () => {
      for (const sent of sends) await check(sent, calls);
    });
  }
}

test("there is a test for each of the harness's 41 cases", () => {
  const names = [parents, states, several].flatMap(Object.keys);
  assertEquals(names.length, 41);
});

async function check(sent: Sent, calls: number): Promise<void> {
  const text = sent.lines.join("\n");
  const flags = /-[0-9a-f]{16}-(0\d)/.exec(text)?.[1];
  const received = await carried(sent.lines, calls);
  for (
    const { parts: [, traceId, spanId, sentFlags], tracestate } of received
  ) {
    assertEquals(traceId === TRACE, sent.goesOn, text);
    assertEquals(sentFlags, sent.goesOn ? flags : "03", text);
    assert(spanId !== SPAN, text);
    assertEquals(tracestate, sent.tracestate, text);
  }
  const traces = new Set(received.map(({ parts }) => parts[1]));
  const spans = new Set(received.map(({ parts }) => parts[2]));
  assertEquals([traces.size, spans.size], [1, calls]);
}

/** What the service sent to whom it was told to call. */
interface Carried {
  readonly parts: readonly string[];
  readonly tracestate: string | undefined;
}

/** Sends what a case sends to a service of its own, which calls back here. */
async function carried(
  lines: readonly string[],
  calls: number,
): Promise<Carried[]> {
  const received: Carried[] = [];
  await using harness = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      assertEquals(await request.json(), []);
      const traceparent = request.headers.get("traceparent") ?? "";
      assert(VALID.test(traceparent), traceparent);
      received.push({
        parts: traceparent.split("-"),
        tracestate: request.headers.get("tracestate") ?? undefined,
      });
      return new Response();
    },
  );
  await using service = serve(0);
  const url = `http://127.0.0.1:${harness.addr.port}/`;
  const asked: Call[] = Array.from({ length: calls }, (_, i) => ({
    url: url + i,
    arguments: [],
  }));
  const status = await post(service.addr.port, lines, JSON.stringify(asked));
  assertEquals(status, "HTTP/1.1 200 OK");
  assertEquals(received.length, calls);
  return received;
}

/** The status line of the answer to a request with exactly these header lines: `fetch` would tidy them up. */
async function post(
  port: number,
  lines: readonly string[],
  body: string,
): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = [
    "POST /test HTTP/1.1",
    "host: 127.0.0.1",
    "connection: close",
    "content-type: application/json",
    `content-length: ${body.length}`,
    ...lines,
  ];
  const request = `${head.join("\r\n")}\r\n\r\n${body}`;
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(request));
  writer.releaseLock();
  let answer = "";
  for await (const bytes of connection.readable) {
    answer += new TextDecoder().decode(bytes);
  }
  return answer.split("\r\n")[0] ?? "";
}
