/**
 * Tells how many bytes a task leaves behind that collections of the young generation do not take, untraced and traced.
 *
 * A program of its own, for V8 has to be started with `--expose-gc`.
 *
 * @module
 */

import { defineTask } from "../../mod.ts";
import { Telemetry } from "../../src/otlp/mod.ts";
import { Queue } from "../../src/queue/queue.ts";

const TASKS = 3_000;
/** So many that V8 has made up its mind about what lives long. */
const WARM_UP_DRAINS = 4;
const DRAINS = 4;

const collect = (globalThis as unknown as {
  readonly gc: (options: { readonly type: "minor" | "major" }) => void;
}).gc;

const task = defineTask("count", { run: (index: number) => index });
const inputs = Array.from({ length: TASKS }, (_, index) => index);

async function retained(telemetry?: Telemetry): Promise<number> {
  const queue = Queue.inMemory({
    name: "retained",
    handlers: [task],
    ...telemetry && { telemetry },
  });
  let bytes = 0;
  for (let drain = 0; drain < WARM_UP_DRAINS + DRAINS; drain++) {
    await queue.enqueueMany(inputs.map((input) => task.with(input)));
    if (drain >= WARM_UP_DRAINS) collect({ type: "major" });
    const before = Deno.memoryUsage().heapUsed;
    await queue.drain();
    collect({ type: "minor" });
    const after = Deno.memoryUsage().heapUsed;
    if (drain >= WARM_UP_DRAINS) bytes += after - before;
  }
  return Math.round(bytes / DRAINS / TASKS);
}

const untraced = await retained();
const traced = await retained(
  new Telemetry({ fetch: () => Promise.resolve(new Response()) }),
);
// deno-lint-ignore no-console
console.log(JSON.stringify({ untraced, traced }));
