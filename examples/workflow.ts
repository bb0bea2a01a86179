/**
 * A chain and a map: a page is fetched, its pictures are resized side by side, and what came of them is told.
 *
 * In memory, so that it runs anywhere: `deno run -A examples/workflow.ts`
 */
import { defineTask, fixed, type GroupSettled, Queue } from "@baton/queue";

interface Page {
  readonly url: string;
  readonly pictures: readonly string[];
}

const fetchPage = defineTask("fetch-page", {
  run: (url: string): Page => ({ url, pictures: ["a.png", "bb.png"] }),
});

/** A link reads the one before. */
const summarize = defineTask("summarize", {
  run(_: void, { previous }) {
    if (previous?.status !== "completed") throw new Error("There is no page");
    const { url, pictures } = previous.value as Page;
    return `${url} has ${pictures.length} pictures`;
  },
});

const resize = defineTask("resize", {
  maxAttempts: 3,
  run: (name: string, { attempt }) => {
    if (name === "bb.png" && attempt < 2) throw new Error("Not yet");
    return { name, width: 100 * name.length };
  },
});

/** Fires once, when the last picture has ended. */
const tell = defineTask("tell", {
  run: ({ completed, total }: GroupSettled) =>
    console.log(`${completed} of ${total} pictures are done`),
});

const queue = Queue.inMemory({
  handlers: [fetchPage, summarize, resize, tell],
});

const chain = await queue.chain([
  fetchPage.with("https://example.com"),
  summarize.with(),
]);
const map = await queue.map(resize, ["a.png", "bb.png"], {
  id: "pictures-of-2026-11-22", // the same call again is no second map
  backoff: fixed(10),
  onSettled: tell,
});

const { completed, retried } = await queue.drain();
console.log(`${completed} tasks completed, ${retried} attempt failed first`);

const summary = await chain.result();
if (summary.status === "completed") console.log(summary.value);
const { results } = await map.results(); // in the order of the inputs
for (const one of results) {
  if (one.ok) console.log(`${one.value.name} is ${one.value.width} wide`);
  else console.log(`${one.index} failed: ${one.error.message}`);
}
