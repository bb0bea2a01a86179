/** What an `UpstashBroker` makes of servers before Redis 7: they know no first line that begins with `#!`, and put words of their own before the error of a command inside a script. */
import { assertEquals, assertRejects } from "@std/assert";
import { UpstashBroker } from "../src/broker/upstash.ts";
import { BrokerError, type BrokerFailure } from "../src/core/error.ts";
import { test } from "./support/suite.ts";

test("UpstashBroker works where the server takes a script's first line for Lua", async () => {
  const sources: string[] = [];
  const broker = new UpstashBroker({
    evalsha: () => Promise.reject(new Error("NOSCRIPT No matching script.")),
    eval(source) {
      sources.push(source);
      return source.startsWith("#!")
        ? Promise.reject(
          new Error(
            "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'",
          ),
        )
        : Promise.resolve(["#missing|3"]);
    },
  });
  assertEquals((await broker.result("queue", "id")).status, "missing");
  assertEquals(sources.map((source) => source.startsWith("#!")), [true, false]);
});

const WITHIN = "ERR Error running script (call to f_1a2b): @user_script:12: ";

const words: readonly (readonly [BrokerFailure, string])[] = [
  ["full", `${WITHIN}OOM command not allowed when used memory > 'maxmemory'.`],
  [
    "full",
    `${WITHIN}@user_script: 12: -OOM command not allowed when used memory > 'maxmemory'.`,
  ],
  ["full", `${WITHIN}MISCONF Redis is configured to save RDB snapshots`],
  ["wrong_type", `${WITHIN}WRONGTYPE Operation against a key`],
  ["rejected", `${WITHIN}ERR value is not an integer or out of range`],
  ["rejected", "CROSSSLOT Keys in request don't hash to the same slot"],
];

for (const [failure, said] of words) {
  test(`UpstashBroker calls it ${failure} when an older server says '${said}'`, async () => {
    const fail = () => Promise.reject(new Error(said));
    const broker = new UpstashBroker({ eval: fail, evalsha: fail });
    const error = await assertRejects(
      () => broker.result("queue", "id"),
      BrokerError,
    );
    assertEquals([error.failure, error.attempts], [failure, 1]);
  });
}
