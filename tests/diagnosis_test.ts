/** What an `UpstashBroker` makes of the errors of its client, and how it waits between two attempts. The client is a stand-in: it throws what real ones have thrown. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UpstashBroker } from "../src/broker/upstash.ts";
import type {
  UpstashBrokerOptions,
  UpstashClient,
} from "../src/broker/runner.ts";
import {
  BrokerError,
  type BrokerFailure,
  QueueFullError,
} from "../src/core/error.ts";
import { ManualClock } from "./support/manual_clock.ts";
import { test } from "./support/suite.ts";

const SECRET = "s3cret";

/** A client that fails every request, and counts them. */
function failing(
  error: unknown,
): UpstashClient & { readonly sent: () => number } {
  let sent = 0;
  const fail = () => {
    sent++;
    return Promise.reject(error);
  };
  return { eval: fail, evalsha: fail, sent: () => sent };
}

/** The error of a call over such a client whose clock runs as fast as it is asked to. */
async function failureOf(
  thrown: unknown,
  options: UpstashBrokerOptions = {},
): Promise<BrokerError> {
  const hasty = {
    now: () => 0,
    after: (ms: number, callback: () => void) => {
      if (ms < 1_000) queueMicrotask(callback);
      return () => {};
    },
  };
  const broker = new UpstashBroker(failing(thrown), {
    clock: hasty,
    attempts: 3,
    ...options,
  });
  return await assertRejects(() => broker.result("queue", "id"), BrokerError);
}

const words: readonly (readonly [BrokerFailure, number, string])[] = [
  ["throttled", 3, "ERR max requests limit exceeded. Limit: 500000"],
  ["throttled", 3, "Too Many Requests"],
  ["throttled", 3, "HTTP 429"],
  ["unavailable", 3, "LOADING Redis is loading the dataset in memory"],
  ["unavailable", 3, "BUSY Redis is busy running a script."],
  ["unavailable", 3, "ERR internal error"],
  ["unavailable", 3, "fetch failed"],
  ["unauthorized", 1, "WRONGPASS invalid or missing auth token"],
  ["unauthorized", 1, "NOPERM this user has no permissions"],
  ["unauthorized", 1, "Unauthorized"],
  ["wrong_type", 1, "WRONGTYPE Operation against a key holding another kind"],
  ["too_large", 1, "ERR max request size exceeded. Limit: 10485760 bytes"],
  ["full", 1, "OOM command not allowed when used memory > 'maxmemory'."],
  ["full", 1, "ERR DB capacity quota exceeded"],
  ["full", 1, "ERR max single record size exceeded"],
  ["full", 1, "MISCONF Errors writing to the AOF file"],
  ["rejected", 1, "ERR Error running script (call to f_1): @user_script:1"],
  ["rejected", 1, "ERR unknown command 'EVALSHA'"],
];

for (const [failure, attempts, said] of words) {
  test(`UpstashBroker calls it ${failure} when the client says '${said}'`, async () => {
    for (const message of [said, `Command failed: ${said}`]) {
      const error = await failureOf(new Error(message));
      assertEquals([error.failure, error.attempts], [failure, attempts]);
    }
  });
}

test("UpstashBroker calls it a time-out when the client gave up waiting", async () => {
  for (const name of ["TimeoutError", "AbortError"]) {
    const error = await failureOf(new DOMException("too late", name));
    assertEquals([error.failure, error.attempts], ["timeout", 3]);
  }
});

test("UpstashBroker repeats no command, URL or token in its errors", async () => {
  const thrown = [
    new Error(`ERR unknown command, command was: ["evalsha","${SECRET}"]`),
    new Error(`ERR internal error, command was: ["evalsha",\n"${SECRET}"]`),
    new Error(`Command failed: OOM full command was: ["eval","${SECRET}"]`),
    new TypeError(`error sending request for url (https://${SECRET}.io/)`),
    new Error(`Bearer ${SECRET} is no header value`),
    SECRET,
    { message: SECRET },
  ];
  for (const each of thrown) {
    const error = await failureOf(each);
    for (const text of [error.message, error.stack, JSON.stringify(error)]) {
      assert(!text?.includes(SECRET), text);
    }
    assertEquals(error.cause, undefined);
  }
});

test("UpstashBroker asks again when an answer is none of its scripts'", async () => {
  const answers: unknown[] = ["<html>", null, ["#missing|3"]];
  const answer = () => Promise.resolve(answers.shift());
  const broker = new UpstashBroker({ eval: answer, evalsha: answer });
  const { status, requests } = await broker.result("queue", "id");
  assertEquals([status, requests], ["missing", 3]);
});

test("UpstashBroker cuts what a server has to say", async () => {
  const error = await failureOf(new Error(`ERR script ${"x".repeat(5_000)}`));
  assert(error.message.length < 500, error.message);
});

test("enqueue() throws QueueFullError when the database is full", async () => {
  const broker = new UpstashBroker(failing(new Error("OOM not allowed")));
  const enqueue = () =>
    broker.enqueue("queue", { tasks: [], maxBacklog: undefined });
  await assertRejects(enqueue, QueueFullError, "the database is full");
});

test("UpstashBroker waits twice as long before each attempt, half to one and a half times", async () => {
  for (const [random, waits] of [[0, [25, 50, 100]], [0.5, [50, 100, 200]]]) {
    const clock = new ManualClock();
    const client = failing(new Error("ERR internal error"));
    const broker = new UpstashBroker(client, {
      clock,
      random: () => random as number,
    });
    const refused = assertRejects(
      () => broker.result("queue", "id"),
      BrokerError,
    );
    let sent = 0;
    for (const wait of waits as readonly number[]) {
      await clock.advance(0);
      assertEquals(client.sent(), ++sent);
      await clock.advance(wait - 1);
      assertEquals(client.sent(), sent);
      await clock.advance(1);
    }
    assertEquals((await refused).attempts, 4);
    assertEquals(clock.pending, 0);
  }
});

test("UpstashBroker gives up at once when the next attempt would come after its deadline", async () => {
  const clock = new ManualClock();
  const client = failing(new Error("ERR internal error"));
  const broker = new UpstashBroker(client, {
    clock,
    random: () => 0.5,
    deadlineMs: 60,
  });
  const refused = assertRejects(
    () => broker.result("queue", "id"),
    BrokerError,
  );
  await clock.advance(50);
  assertEquals(client.sent(), 2);
  assertEquals(clock.pending, 0);
  assertEquals((await refused).attempts, 2);
});

test("UpstashBroker sends no flag when keyLocking is false", async () => {
  const sources: string[] = [];
  const broker = new UpstashBroker({
    evalsha: () => Promise.reject(new Error("NOSCRIPT No matching script.")),
    eval(source) {
      sources.push(source);
      return Promise.resolve(["#missing|3"]);
    },
  }, { keyLocking: false });
  assertEquals((await broker.result("queue", "id")).status, "missing");
  assertEquals(sources.map((source) => source.startsWith("#!")), [false]);
});

test("UpstashBroker() refuses what is no client, and options out of their range", () => {
  const client = failing(undefined);
  for (const none of [undefined, null, {}, { eval: client.eval }]) {
    assertThrows(
      () => new UpstashBroker(none as unknown as UpstashClient),
      TypeError,
      "'eval' and 'evalsha'",
    );
  }
  for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
    for (const name of ["attempts", "deadlineMs"]) {
      assertThrows(
        () => new UpstashBroker(client, { [name]: value }),
        RangeError,
        name,
      );
    }
  }
});
