import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ConnectionLostError,
  RespClient,
  RespError,
  startRedis,
} from "../support/redis.ts";
import {
  encodeReply,
  type Reply,
  RespParser,
  Status,
} from "../support/resp.ts";
import { test } from "../support/suite.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("RespParser.push() gives the same replies however the bytes are cut", () => {
  const replies: Reply[] = [
    new Status("OK"),
    1,
    9007199254740993n,
    null,
    [],
    [bytes("a\r\nb"), [null, [bytes("")]], 2],
    bytes("x".repeat(300)),
  ];
  const wire = replies.map(encodeReply).flatMap((reply) => [...reply]);
  for (const size of [1, 2, 3, 7, 64, wire.length]) {
    const parser = new RespParser();
    const seen: Reply[] = [];
    for (let at = 0; at < wire.length; at += size) {
      seen.push(...parser.push(Uint8Array.from(wire.slice(at, at + size))));
    }
    assertEquals(seen, replies, `in pieces of ${size}`);
  }
});

test("startRedis() answers at once and keeps its data over restart() and kill()", async () => {
  await using redis = await startRedis();
  {
    await using client = await RespClient.connect(redis);
    assertEquals(await client.command("SET", "a", "é"), "OK");
    await redis.kill();
    await assertRejects(() => client.command("GET", "a"), ConnectionLostError);
  }
  await redis.restart();
  {
    await using client = await RespClient.connect(redis);
    assertEquals(await client.command("GET", "a"), "é");
  }
  await redis.restart();
  await redis.restart({ keep: false });
  await using client = await RespClient.connect(redis);
  assertEquals(await client.command("GET", "a"), null);
});

test("startRedis() says what Redis said when it cannot start", async () => {
  const error = await assertRejects(
    () => startRedis({ args: ["--maxmemory", "nonsense"] }),
    Error,
  );
  assert(
    error.message.startsWith("redis-server ended before it was ready"),
    error.message,
  );
});

test("RespClient sends in order, throws errors from command() and lists them in pipeline()", async () => {
  await using redis = await startRedis();
  await using client = await RespClient.connect(redis);
  const replies = await client.pipeline([
    ["SET", "n", "1"],
    ["INCR", "n"],
    ["LPUSH", "n", "x"],
    ["MGET", "n", "none"],
  ]);
  assertEquals(replies.slice(0, 2), ["OK", 2]);
  assert(replies[2] instanceof RespError);
  assertEquals(replies[3], ["2", null]);
  await assertRejects(
    () => client.command("LPUSH", "n", "x"),
    RespError,
    "WRONGTYPE",
  );

  await using listener = await RespClient.connect(redis);
  const heard = Promise.withResolvers<string>();
  await listener.subscribe(
    ["news"],
    (channel, message) => heard.resolve(`${channel}: ${message}`),
  );
  await client.command("PUBLISH", "news", "hello");
  assertEquals(await heard.promise, "news: hello");
});
