import { assert, assertEquals } from "@std/assert";
import { BrokerError } from "../../src/core/error.ts";
import { work } from "../../src/queue/later.ts";
import { bench } from "../support/consumer.ts";
import { test } from "../support/suite.ts";

test("work() leaves its failure to whoever awaits done, unless onError is given", async () => {
  const made = bench({
    step: () => Promise.reject(new BrokerError("unauthorized", "no")),
  });
  const unobserved: unknown[] = [];
  const observe = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unobserved.push(event.reason);
  };
  /** Unhandled rejections are told between two turns of the host's loop. */
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
  globalThis.addEventListener("unhandledrejection", observe);
  try {
    work(made.parts, { onError() {} });
    await made.clock.advance(1);
    await turn();
    assertEquals(unobserved, []);
    work(made.parts);
    await made.clock.advance(1);
    await turn();
    assertEquals(unobserved.length, 1);
    assert(unobserved[0] instanceof BrokerError);
  } finally {
    globalThis.removeEventListener("unhandledrejection", observe);
  }
});
