/** An id may be used again when its task is forgotten: what the second task enqueues is not what the first one did. */
import { assertEquals } from "@std/assert";
import { defineTask, Queue } from "../mod.ts";
import { gatewayBroker } from "./support/gateway_broker.ts";
import { memoryBroker } from "./support/memory_broker.ts";
import { test } from "./support/suite.ts";

const START = 1_763_800_000_000;
const HOUR = 3_600_000;

for (
  const [name, make] of [
    ["MemoryBroker", () => Promise.resolve(memoryBroker(START))],
    ["UpstashBroker", () => gatewayBroker(START)],
  ] as const
) {
  for (const verb of ["enqueue", "defer"] as const) {
    test(`${name}: ctx.${verb}() of a task whose id is used again adds another task`, async () => {
      await using made = await make();
      const report = defineTask("report");
      const daily = defineTask("daily");
      const queue = new Queue({
        name: `reuse-${crypto.randomUUID()}`,
        broker: made.broker,
        handlers: [
          daily.handle(async (_, ctx) => {
            const options = { delayMs: 10 * HOUR };
            if (verb === "defer") await ctx.defer(report, undefined, options);
            else await ctx.enqueue(report, undefined, options);
          }),
        ],
      });
      for (const scheduled of [1, 2]) {
        await queue.enqueue(daily, undefined, { id: "daily" });
        await queue.drain({ lingerMs: 0 });
        assertEquals((await queue.stats()).scheduled, scheduled);
        await made.advance(2 * HOUR);
      }
    });
  }
}
