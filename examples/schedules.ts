/**
 * Schedules: each is an upsert at the top of the app, and any consumer of the queue sees to its slots.
 *
 * In memory and by a clock of its own, so that three days pass at once: `deno run -A examples/schedules.ts`
 */
import { defineTask, Queue, testClock } from "@baton/queue";

const timeZone = "Europe/Paris";

const report = defineTask("report", {
  run(_: void, { intendedAt = NaN }) {
    const at = new Date(intendedAt).toLocaleString("en-GB", { timeZone });
    console.log(`The report of ${at}`);
  },
});

const clock = testClock(Date.UTC(2026, 2, 27, 12)); // two days before summer time
const queue = Queue.inMemory({ clock, handlers: [report] });

const nightly = { cron: "30 2 * * *", timeZone } as const;
console.log((await queue.schedule("nightly", report.with(), nightly)).status);
console.log((await queue.schedule("nightly", report.with(), nightly)).status);

for (let day = 0; day < 3; day++) {
  await clock.advance(86_400_000);
  await queue.drain(); // what a cron trigger does each minute
}

await queue.pauseSchedule("nightly");
for (const { name, paused } of (await queue.schedules()).schedules) {
  console.log(`${name} is ${paused ? "paused" : "running"}`);
}
