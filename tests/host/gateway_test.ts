/** The gateway speaks Upstash's REST protocol. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { type GatewayOptions, startGateway } from "../support/gateway/mod.ts";
import { rest } from "../support/gateway/rest.ts";
import { test } from "../support/suite.ts";

async function open(options: GatewayOptions = {}) {
  const gateway = await startGateway(options);
  return {
    gateway,
    ...rest(gateway.url, gateway.token),
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}

test("POST / answers the result, or the error with status 400", async () => {
  await using client = await open();
  assertEquals((await client.command("SET", "k", "é")).text, `{"result":"OK"}`);
  assertEquals((await client.command("GET", "k")).text, `{"result":"é"}`);
  assertEquals((await client.command("GET", "none")).text, `{"result":null}`);
  assertEquals((await client.command("LPUSH", "l", 1, 2)).text, `{"result":2}`);
  assertEquals(
    (await client.command("LRANGE", "l", 0, -1)).text,
    `{"result":["2","1"]}`,
  );
  const { status, body } = await client.command("INCR", "k");
  assertEquals(status, 400);
  assertEquals(body, { error: "ERR value is not an integer or out of range" });
});

test("POST / keeps integers beyond 2^53 exact", async () => {
  await using client = await open();
  await client.command("SET", "n", "9223372036854775806");
  assertEquals(
    (await client.command("INCR", "n")).text,
    `{"result":9223372036854775807}`,
  );
});

test("POST / answers 400 when the body is no command", async () => {
  await using client = await open();
  for (
    const body of ["", "[]", "{}", "not json", `["SET","k",{"a":1}]`, `"PING"`]
  ) {
    const { status, text } = await client.send("/", body);
    assertEquals(status, 400, body);
    assertMatch(text, /^\{"error":"ERR /);
  }
});

test("/COMMAND/… takes arguments from path, body and query, in this order", async () => {
  await using client = await open();
  assertEquals(
    (await client.send("/set/a%2Fb/one%20two", undefined, { method: "GET" }))
      .body,
    { result: "OK" },
  );
  assertEquals(await client.result("GET", "a/b"), "one two");
  assertEquals((await client.send("/set/json?EX=100&NX", `{"x":1}`)).body, {
    result: "OK",
  });
  assertEquals(await client.result("GET", "json"), `{"x":1}`);
  assertEquals(
    (await client.send("/set/json?NX", "other", { method: "PUT" })).body,
    { result: null },
  );
  assert(Number(await client.result("TTL", "json")) > 90);
  const head = await client.send("/get/json", undefined, { method: "HEAD" });
  assertEquals([head.status, head.text], [200, ""]);
  assertEquals(
    (await client.send("/get/json", undefined, { method: "DELETE" })).status,
    405,
  );
});

test("/COMMAND/… keeps a binary body as it is", async () => {
  await using client = await open();
  const body = new Uint8Array([0, 255, 13, 10, 128]);
  await client.send("/set/binary", undefined, { body });
  const { body: answer } = await client.send("/get/binary", undefined, {
    headers: { "Upstash-Encoding": "base64" },
  });
  assertEquals(Uint8Array.fromBase64(answer.result), body);
});

test("/pipeline answers each command in order, errors among them, with 200", async () => {
  await using client = await open();
  const { status, body } = await client.send("/pipeline", [
    ["SET", "k", "x"],
    ["INCR", "k"],
    ["NOSUCH"],
    ["GET", "k"],
  ]);
  assertEquals(status, 200);
  assertEquals(body[0], { result: "OK" });
  assertEquals(body[1], {
    error: "ERR value is not an integer or out of range",
  });
  assertStringIncludes(body[2].error, "ERR Command is not available: 'NOSUCH'");
  assertEquals(body[3], { result: "x" });
});

test("/multi-exec runs all commands at once, or none and answers one error", async () => {
  await using client = await open();
  const { body } = await client.send("/multi-exec", [["SET", "k", "1"], [
    "INCR",
    "k",
  ], ["LPUSH", "k", "x"]]);
  assertEquals(body.slice(0, 2), [{ result: "OK" }, { result: 2 }]);
  assertStringIncludes(body[2].error, "WRONGTYPE");
  for (const bad of [["GET"], ["BLPOP", "k", "0"]]) {
    const discarded = await client.send("/multi-exec", [
      ["SET", "k", "9"],
      bad,
    ]);
    assertEquals(discarded.status, 400);
    assertMatch(discarded.body.error, /^ERR /);
  }
  assertEquals(await client.result("GET", "k"), "2");
});

test("a missing or wrong token is answered 401 in Upstash's words", async () => {
  await using client = await open();
  const words =
    "WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details.";
  for (
    const headers of [
      { authorization: "" },
      { authorization: "Bearer wrong" },
      { authorization: `Bearer ${client.gateway.token}x` },
    ]
  ) {
    for (
      const path of [
        "/",
        "/pipeline",
        "/multi-exec",
        "/get/k",
        "/subscribe/c",
        "/_gateway/faults",
      ]
    ) {
      const { status, body } = await client.send(path, "[]", { headers });
      assertEquals([status, body.error], [401, words]);
    }
  }
  const byQuery = await fetch(
    `${client.gateway.url}/echo/hello?_token=${client.gateway.token}`,
  );
  assertEquals(await byQuery.json(), { result: "hello" });
});

test("the read-only token reads and may not write", async () => {
  await using client = await open({ readOnlyToken: "reader" });
  await client.command("SET", "k", "v");
  const reader = rest(client.gateway.url, "reader");
  assertEquals(await reader.result("GET", "k"), "v");
  for (
    const command of [
      ["SET", "k", "w"],
      ["EVAL", "return 1", 0],
      ["KEYS", "*"],
      ["FLUSHALL"],
    ]
  ) {
    const { status, body } = await reader.command(...command);
    assertEquals(status, 400);
    assertStringIncludes(
      body.error,
      "NOPERM this user has no permissions to run the '",
    );
  }
  assertEquals(await client.result("GET", "k"), "v");
});

test("Upstash-Encoding: base64 encodes every string but OK", async () => {
  await using client = await open();
  const headers = { "Upstash-Encoding": "base64" };
  const { body } = await client.send("/pipeline", [
    ["SET", "k", "v"],
    ["GET", "k"],
    ["PING"],
    ["EVAL", "return {1, 'OK', {'é', false}}", 0],
  ], { headers });
  assertEquals(body, [{ result: "OK" }, { result: "dg==" }, {
    result: "UE9ORw==",
  }, { result: [1, "OK", ["w6k=", null]] }]);
});

test("Upstash-Response-Format: resp2 answers in RESP2, and not together with base64", async () => {
  await using client = await open();
  const headers = { "Upstash-Response-Format": "resp2" };
  const { text, headers: answered } = await client.send("/pipeline", [
    ["SET", "k", "v"],
    ["GET", "k"],
    ["INCR", "k"],
  ], { headers });
  assertEquals(
    text,
    "+OK\r\n$1\r\nv\r\n-ERR value is not an integer or out of range\r\n",
  );
  assertEquals(answered.get("content-type"), "application/octet-stream");
  assertEquals(
    (await client.send("/", ["PING"], {
      headers: { ...headers, "Upstash-Encoding": "base64" },
    })).status,
    400,
  );
  assertEquals(
    (await client.send("/", ["PING"], {
      headers: { "Upstash-Response-Format": "xml" },
    })).status,
    400,
  );
});

test("upstash-sync-token changes with writes and scripts, and only then", async () => {
  await using client = await open();
  const token = async (...command: string[]) =>
    (await client.command(...command)).headers.get("upstash-sync-token");
  let before = await token("PING");
  for (
    const write of [["SET", "k", "v"], ["EVAL", "return 1", "0"], ["DEL", "k"]]
  ) {
    const after = await token(...write);
    assertNotEquals(after, before, `${write}`);
    before = after;
  }
  assertEquals(await token("GET", "k"), before);
  const together = await Promise.all(
    ["a", "b", "c"].map((key) => token("SET", key, "v")),
  );
  assertEquals(new Set([before, ...together]).size, 4);
  before = together.at(-1) ?? null;
  assertEquals(await token("SCRIPT", "LOAD", "return 1"), before);
});

test("commands that Upstash does not serve over REST are refused in its words", async () => {
  await using client = await open();
  const refused = [
    "BLPOP",
    "BLMOVE",
    "BZPOPMIN",
    "MULTI",
    "WATCH",
    "EXEC",
    "CONFIG",
    "SELECT",
    "AUTH",
    "SHUTDOWN",
    "NOSUCH",
  ];
  for (const name of refused) {
    const { status, body } = await client.command(name, "a", "b");
    assertEquals(status, 400);
    assertEquals(
      body.error,
      `ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`,
    );
  }
  const { body } = await client.command(
    "XREAD",
    "BLOCK",
    10,
    "STREAMS",
    "s",
    "$",
  );
  assertStringIncludes(body.error, "ERR Command is not available: 'XREAD'");
  assertEquals(await client.result("XREAD", "STREAMS", "s", "0"), null);
});

test("requests and replies beyond the limit are refused in Upstash's words", async () => {
  await using client = await open({ requestBytes: 1000, replyBytes: 1500 });
  const large = await client.command("SET", "k", "x".repeat(1000));
  assertEquals(large.status, 400);
  assertMatch(
    large.body.error,
    /^ERR max request size exceeded\. Limit: 1000 bytes, Actual: 10\d\d bytes/,
  );
  await client.command("SET", "k", "x".repeat(900));
  assertEquals((await client.command("GET", "k")).status, 200);
  const { status, body } = await client.command("MGET", "k", "k");
  assertEquals(status, 400);
  assertMatch(
    body.error,
    /^ERR max request size exceeded\. Limit: 1500 bytes, Actual: 18\d\d bytes/,
  );
  const { body: piped } = await client.send("/pipeline", [["MGET", "k", "k"], [
    "PING",
  ]]);
  assertMatch(piped[0].error, /^ERR max request size exceeded/);
  assertEquals(piped[1], { result: "PONG" });
});
