import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { UpstashBroker } from "../src/broker/upstash.ts";
import { BrokerError } from "../src/core/error.ts";
import { connect, type ConnectOptions } from "../src/upstash/mod.ts";
import { test } from "./support/suite.ts";

const URL_NAME = "UPSTASH_REDIS_REST_URL";
const TOKEN_NAME = "UPSTASH_REDIS_REST_TOKEN";
const url = "https://eu1-quick-fox.upstash.example";
const token = "AX0secret0token";

interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
  readonly signal: AbortSignal | null | undefined;
}

/** Runs with a `fetch` that notes what is sent and answers as told. */
async function intercepting(
  answer: () => Response | Promise<Response>,
  run: () => Promise<void>,
): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  const original = globalThis.fetch;
  const fake = (input: unknown, init: RequestInit = {}) => {
    sent.push({
      url: String(input),
      headers: new Headers(init.headers),
      body: JSON.parse(String(init.body)),
      signal: init.signal,
    });
    return Promise.resolve().then(answer);
  };
  globalThis.fetch = fake as typeof fetch;
  try {
    await run();
  } finally {
    globalThis.fetch = original;
  }
  return sent;
}

test("connect() sends each command once, alone, as it is, and says nothing of the host", async () => {
  const sent = await intercepting(
    () => Response.json({ result: '{"n":1}' }),
    async () => {
      const redis = connect({ url: `${url}/`, token });
      const answers = await Promise.all([
        redis.evalsha("a", ["k"], ["null"]),
        redis.eval("return 1", [], ["2"]),
      ]);
      assertEquals(answers, ['{"n":1}', '{"n":1}']);
    },
  );
  assertEquals(sent.map((one) => one.body), [
    ["evalsha", "a", 1, "k", "null"],
    ["eval", "return 1", 0, "2"],
  ]);
  for (const { url: target, headers, signal } of sent) {
    assertEquals(target, url);
    assertEquals([...headers.keys()].sort(), ["authorization", "content-type"]);
    assertEquals(headers.get("authorization"), `Bearer ${token}`);
    assert(signal instanceof AbortSignal);
  }
  assert(sent[0]?.signal !== sent[1]?.signal, "each request has its own time");
});

test("connect() leaves repeating to the broker when a request fails", async () => {
  const fail = () => Promise.reject(new TypeError("network down"));
  const sent = await intercepting(fail, async () => {
    const redis = connect({ url, token });
    await assertRejects(() => redis.eval("return 1", [], []), TypeError);
  });
  assertEquals(sent.length, 1);
});

test("connect() ends a request after timeoutMs, and the broker calls it a time-out", async () => {
  let signal: AbortSignal | null | undefined;
  const hang = () =>
    new Promise<Response>((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal?.reason));
    });
  const original = globalThis.fetch;
  globalThis.fetch = ((_: unknown, init: RequestInit) => {
    signal = init.signal;
    return hang();
  }) as typeof fetch;
  try {
    const broker = new UpstashBroker(
      connect({ url, token }, { timeoutMs: 20 }),
      { attempts: 2 },
    );
    const error = await assertRejects(() => broker.stats("q"), BrokerError);
    assertEquals([error.failure, error.attempts], ["timeout", 2]);
  } finally {
    globalThis.fetch = original;
  }
});

test("connect() takes the environment's two variables", async () => {
  const env = { [URL_NAME]: url, [TOKEN_NAME]: token, OTHER: "x" };
  const sent = await intercepting(
    () => Response.json({ result: "ok" }),
    async () => void await connect(env).eval("return 1", [], []),
  );
  assertEquals(sent[0]?.url, url);
});

test("connect() names what is missing or cannot be, and repeats no value", () => {
  const cases: readonly (readonly [source: unknown, ...words: string[]])[] = [
    [undefined, "environment"],
    [{}, URL_NAME, "missing"],
    [{ [URL_NAME]: "", [TOKEN_NAME]: token }, URL_NAME, "empty"],
    [{ [URL_NAME]: url }, TOKEN_NAME, "missing"],
    [{ url, token: undefined }, "'token'", "missing"],
    [{ token }, "'url'", "missing"],
    [{ url: 5, token }, "'url'", "no string"],
    [{ url: "rediss://default:secret@x:6379", token }, "'url'", "TCP"],
    [{ url: "eu1.upstash.io", token }, "'url'", "https://"],
    [{ url: `${url}\n`, token }, "'url'", "line breaks"],
    [{ url, token: `${token}\n` }, "'token'", "line breaks"],
    [{ url, token: `"${token}"` }, "'token'", "quotes"],
    [{ url, token: "ключ" }, "'token'", "bare"],
  ];
  for (const [source, ...words] of cases) {
    const { message } = assertThrows(
      () => connect(source as Parameters<typeof connect>[0]),
      TypeError,
    );
    for (const word of words) assertStringIncludes(message, word);
    assert(!message.includes("secret"), message);
  }
});

test("connect() refuses an option that it does not know", () => {
  const options = { timeout: 1 } as ConnectOptions;
  assertThrows(
    () => connect({ url, token }, options),
    TypeError,
    "Unknown option 'timeout' of connect()",
  );
});

test("connect() refuses a timeoutMs that is no time", () => {
  for (const timeoutMs of [0, -1, 1.5, NaN, 2 ** 31]) {
    assertThrows(() => connect({ url, token }, { timeoutMs }), RangeError);
  }
});
