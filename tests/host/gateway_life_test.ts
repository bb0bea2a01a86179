/** The gateway's streams, the Redis behind it, and its command. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Redis } from "@upstash/redis";
import { type GatewayOptions, startGateway } from "../support/gateway/mod.ts";
import { rest } from "../support/gateway/rest.ts";
import { lines } from "../support/gateway/stage.ts";
import { RespClient, startRedis } from "../support/redis.ts";
import { test } from "../support/suite.ts";

async function open(options: GatewayOptions = {}) {
  const gateway = await startGateway(options);
  return {
    gateway,
    ...rest(gateway.url, gateway.token),
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}

test("/subscribe and /psubscribe send events, /publish counts receivers", async () => {
  await using client = await open();
  const headers = {
    authorization: `Bearer ${client.gateway.token}`,
    accept: "text/event-stream",
  };
  for (
    const [path, first, second] of [
      ["/subscribe/chat", "data: subscribe,chat,1", "data: message,chat,hello"],
      [
        "/psubscribe/ch%2A",
        "data: psubscribe,ch*,1",
        "data: pmessage,ch*,chat,hello",
      ],
    ] as const
  ) {
    const response = await fetch(client.gateway.url + path, {
      method: "POST",
      headers,
    });
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    const publishing = (async () => {
      while ((await client.send("/publish/chat/hello")).body.result === 0);
    })();
    assertEquals(await lines(response.body, 2), [first, second]);
    await publishing;
  }
});

test("/monitor sends what Redis runs", async () => {
  await using client = await open();
  const headers = { authorization: `Bearer ${client.gateway.token}` };
  const response = await fetch(`${client.gateway.url}/monitor`, {
    method: "POST",
    headers,
  });
  let seen = false;
  const watching = lines(response.body, 2).finally(() => seen = true);
  while (!seen) await client.command("GET", "k");
  const [ok, line = ""] = await watching;
  assertEquals(ok, `data: "OK"`);
  assertMatch(line, /^data: \d+\.\d+ \[0 127\.0\.0\.1:\d+\] "GET" "k"$/);
});

test("@upstash/redis works with its default options", async () => {
  await using client = await open();
  const redis = new Redis({
    url: client.gateway.url,
    token: client.gateway.token,
    enableTelemetry: false,
  });
  await redis.set("k", { a: [1, "é"] });
  assertEquals(await redis.get("k"), { a: [1, "é"] });
  const script = redis.createScript<[number, string]>(
    "return {redis.call('INCR', KEYS[1]), ARGV[1]}",
  );
  assertEquals(await script.exec(["n"], ["x"]), [1, "x"]);
  assertEquals(await script.exec(["n"], ["x"]), [2, "x"]);
  const many = await Promise.all(
    Array.from({ length: 50 }, () => redis.incr("n")),
  );
  assertEquals(many.at(-1), 52);
});

test("startGateway() uses a running Redis and leaves it running", async () => {
  await using redis = await startRedis();
  {
    await using client = await open({ redis: { port: redis.port } });
    assertEquals(await client.result("SET", "k", "v"), "OK");
  }
  await using direct = await RespClient.connect(redis);
  assertEquals(await direct.command("GET", "k"), "v");
});

test("the gateway answers 503 while Redis is down and goes on when it is back", async () => {
  await using redis = await startRedis();
  await using client = await open({ redis });
  await client.command("SET", "k", "v");
  await redis.kill();
  const { status, body } = await client.command("GET", "k");
  assertEquals(status, 503);
  assertStringIncludes(body.error, "Redis does not answer");
  await redis.restart();
  assertEquals(await client.result("GET", "k"), "v");
});

test("gateway command prints the two variables, serves, and ends on Ctrl-C", async () => {
  const main = new URL("../support/gateway/main.ts", import.meta.url).pathname;
  const run = (...args: string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", main, ...args],
      stdout: "piped",
      stderr: "piped",
    });
  const child = run("--port", "0", "--token", "dev").spawn();
  const said = (await lines(child.stdout, 2)).join("\n");
  const url = /^UPSTASH_REDIS_REST_URL=(http:\S+)$/m.exec(said)?.[1] ?? "";
  assertMatch(said, /^UPSTASH_REDIS_REST_TOKEN=dev$/m);
  assertEquals(await rest(url, "dev").result("PING"), "PONG");

  const taken = await run("--port", new URL(url).port).output();
  assertEquals(taken.code, 1);
  assertMatch(new TextDecoder().decode(taken.stderr), /Port \d+ is taken/);

  child.kill("SIGINT");
  const [{ code }] = await Promise.all([child.status, child.stderr.cancel()]);
  assertEquals(code, 0);
});
