/** Part 4 of the inventory: what django-q2's users asked for, and what hurt them. */
import * as baton from "../../../mod.ts";
import { ENQUEUE_OPTIONS } from "../../../src/core/check.ts";
import { better, by, has, leftOut, type Part } from "./row.ts";

const option = (...names: readonly (keyof baton.EnqueueOptions)[]) =>
  has(() => names.every((name) => ENQUEUE_OPTIONS.includes(name)));

export const WISHES: Part = {
  title: "The fifteen wishes",
  rows: [
    better(
      "1. Retries per task: attempts, backoff, which errors",
      "`maxAttempts`, `backoff`, `retryIf`, `NonRetryableError`, `RetryAfterError`",
      option("maxAttempts", "backoff"),
      by("execute", "execute() heeds NonRetryableError and RetryAfterError"),
      by("snooze", "retryIf given to"),
    ),
    better(
      "2. State before the end: queued, running, progress",
      "`queue.result(id)`: scheduled, ready, leased, with `progress`; `queue.list`",
      by(
        "progress",
        "ctx.progress() that a step could not tell is told by the next",
      ),
    ),
    better(
      "3. No overlap, unique tasks, a limit per key",
      '`dedupe`, `concurrency: { key, limit }`, `overlap: "skip"`',
      option("dedupe", "concurrency"),
      by("concurrency", "no more than 'limit' tasks of a key run at a time"),
    ),
    better(
      "4. Delay of a single task",
      "`delayMs`, `runAt`, to the millisecond",
      option("delayMs", "runAt"),
      by("queue_producer", "enqueue() says when a task is due"),
    ),
    better(
      "5. Priorities, several queues by one cluster",
      "`priority`; `new Consumer({ queues: [{ queue, weight }] })`",
      option("priority"),
      has(() => baton.Consumer),
    ),
    better(
      "6. Cancel a queued or a running task",
      "`queue.cancel(id)`, which reaches `ctx.signal`",
      by("drain", "drain() hears of a cancel with a heartbeat"),
    ),
    better(
      "7. Hooks for failure and time-out",
      "`onFailure`, with the error",
      by("followers", "a hook that is a task reads what came of the other one"),
    ),
    better(
      "8. Schedules declared in code",
      "`queue.schedule(name, …)` at every start",
      by(
        "schedule",
        "schedule() is another one when its task, input, options or times differ",
      ),
    ),
    better(
      "9. Catch-up per schedule, no burst after downtime",
      "`catchUp`",
      by("schedule", "schedule() with catchUp '${catchUp}' runs"),
    ),
    better(
      "10. Health probe, list of workers",
      "`queue.stats()`, `queue.verify()`; workers by their spans",
      by("queue_administration", "verify() and repair() look at everything"),
    ),
    better(
      "11. Chains: stop on failure, hand on results, a hook, a queue per link",
      "the first three; links share a queue: a link of another one is a task that the handler enqueues there",
      by(
        "followers",
        "chain() runs its links in order, each reading the one before",
      ),
    ),
    better(
      "12. `async`/`await`",
      "handlers are async functions, and so is every verb",
      by("drain", "drain() runs no more than concurrency handlers"),
    ),
    better(
      "13. The current task inside the function",
      "`ctx`",
      by("execute", "ctx tells the attempt"),
    ),
    better(
      "14. Rate limits",
      "`rate: { key, limit, perMs }`, and `rate` of a queue",
      option("rate"),
      by("rate", "a key's rate holds its tasks back, and no others"),
    ),
    better(
      "15. Retention of results",
      "`resultTtlMs` per task, `ttlMs` per group, `keepResults` per queue",
      by("map", "map() remembers its members for ttlMs"),
    ),
  ],
};

export const BUGS: Part = {
  title: "The sixteen bugs",
  rows: [
    better(
      "1. One task runs 2 to 20 times, since `retry` is shorter than it",
      "leases are extended while it runs, and while it waits",
      by("drain", "drain() extends what runs and what waits"),
    ),
    better(
      "2. `max_attempts` ignored on time-outs and crashes",
      "counted at the claim",
      by("execute", "execute() buries a task whose attempts are spent"),
    ),
    better(
      "3. Redis: failed and crashed tasks are never retried",
      "they are",
      by("host/fault_run", "10,000 tasks survive"),
    ),
    better(
      "4. One dead worker stops the cluster for ever",
      "nothing is shared but the database",
      by("host/fault_run", "10,000 tasks survive"),
    ),
    better(
      "5. Timed-out tasks vanish",
      "they end as dead, with `TaskTimeoutError`",
      by("execute", "execute() ends an attempt at its time-out"),
    ),
    better(
      "6. `qcluster` does not stop",
      "`worker.stop()`, or its signal: what runs has a grace, the rest is given back",
      by("worker", "Worker.stop() aborts what outlasts the grace"),
    ),
    better(
      "7. `async_iter`: needs a shared cache, loses results",
      "results and counts are the queue's own, counted in the settlement's commit",
      by("host/map_fault", "callbacks, once each"),
    ),
    better(
      "8. Schedules fire twice with several clusters",
      "a slot is one task, by its id",
      by("host/schedule_race", "consumers that race on"),
    ),
    better(
      "9. Schedules and changes of the clocks",
      "IANA zones; tested over the changes of four of them, and against croner",
      by("recurrence", "nextSlot() follows Australia/Lord_Howe"),
    ),
    better(
      "10. No hook when cached, or with `save_limit` −1",
      "hooks do not depend on what is kept",
      by("followers", "hooks are enqueued with a success"),
    ),
    leftOut(
      "11. An enqueue races its database transaction",
      "enqueue after the commit, under an `id` made before it: a repeat is no second task",
      by(
        "queue_producer",
        "enqueue() answers with the id of the task that is there",
      ),
    ),
    better(
      "12. A changed key drops tasks",
      "a list of keys; a task under an unknown one waits a day for who has it",
      by("seal_queue", "a task whose key nobody has is dead a day after"),
    ),
    better(
      "13. What cannot be pickled fails obscurely",
      "refused where it is enqueued, with the place in the input",
      by(
        "queue_producer",
        "enqueue() refuses what JSON cannot carry, and says where",
      ),
    ),
    better(
      "14. A broken connection ends the pusher",
      "there are no connections: a request is repeated, then a worker goes on after a pause",
      by(
        "worker",
        "work() sends a failed step again, the same, with growing pauses",
      ),
    ),
    better(
      "15. Producer and consumer with different `retry`",
      "what a task needs travels in it",
      by("queue_producer", "enqueue() sends the options over the definition's"),
    ),
    better(
      "16. Pruning results locks the table",
      "swept by their time, a bounded number with each step",
      by("drain", "drain() keeps stepping while there is something to sweep"),
    ),
  ],
};
