/**
 * A service whose requests each run in a context of their own and call what a queue loads when it is first called.
 * Says, for each, in which context it began.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { defineTask, Queue } from "../../mod.ts";

const storage = new AsyncLocalStorage<string>();
const task = defineTask("task", { run: () => {} });
const queue = Queue.inMemory({ handlers: [task] });

const server = Deno.serve({ port: 0, onListen() {} }, (request) => {
  const began = storage.getStore() ?? "none";
  return storage.run(request.url, async () => {
    await queue.enqueue(task);
    await queue.chain([task.with(), task.with()]);
    await queue.drain();
    await queue.stats();
    return new Response(began);
  });
});

for (let i = 0; i < 3; i++) {
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/${i}`);
  console.log(await response.text());
}
await server.shutdown();
