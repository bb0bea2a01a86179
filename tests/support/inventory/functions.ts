/** Part 1.2 of the inventory: functions, their options, classes. */
import * as baton from "../../../mod.ts";
import { ENQUEUE_OPTIONS } from "../../../src/core/check.ts";
import {
  better,
  by,
  has,
  impossible,
  leftOut,
  type Part,
  same,
} from "./row.ts";

/** Whether `enqueue` has these options. */
const option = (...names: readonly (keyof baton.EnqueueOptions)[]) =>
  has(() => names.every((name) => ENQUEUE_OPTIONS.includes(name)));
const { defineTask, Queue, UpstashBroker, mapOf, groupOf } = baton;

export const FUNCTIONS: Part = {
  title: "Functions and their options",
  rows: [
    better(
      "`async_task(func, *args, **kwargs)`",
      "`queue.enqueue(task, input, options)`, checked where it is called",
      has((queue) => [queue.enqueue, defineTask]),
      by("queue_producer", "enqueue() refuses what the schema refuses"),
    ),
    impossible(
      "`func` as a callable or a dotted path",
      "code cannot travel, and bundlers rename functions: a task has a name, and its handler is registered under it",
      has(() => defineTask("report.monthly").name === "report.monthly"),
    ),
    better(
      "`hook`",
      "`onSettled`, `onSuccess`, `onFailure`: tasks of their own, enqueued once with the task's end, whatever is kept of it",
      option("onSettled", "onSuccess", "onFailure"),
      by(
        "followers",
        "hooks are enqueued with a success, and not with a retry",
      ),
    ),
    same(
      "`group` (a label)",
      "`group` on spans and as `ctx.group`; what is to be counted is a map or a group",
      option("group"),
      by("map", "enqueue() carries a group that counts nothing as ctx.group"),
    ),
    better(
      "`save`",
      "`resultTtlMs: 0`, which swallows no chain",
      option("resultTtlMs"),
      by(
        "followers",
        "chain() gives a link's value to the next one though no result is kept",
      ),
    ),
    better(
      "`timeout`",
      "`timeoutMs`, which aborts `ctx.signal`; 0 and fractions are refused where they are given",
      option("timeoutMs"),
      by(
        "execute",
        "execute() ends an attempt at its time-out though the handler ignores it",
      ),
    ),
    same(
      "`ack_failure`",
      "`maxAttempts: 1`",
      option("maxAttempts"),
      by("execute", "execute() buries the last attempt, with cause and stack"),
    ),
    better(
      "`sync`",
      "`queue.inline(task, input)`, with spans, events and its error",
      has((queue) => queue.inline),
      by(
        "inline",
        "inline() throws what the handler throws, after one attempt",
      ),
    ),
    better(
      "`cached`",
      "every result is kept for its `resultTtlMs`, without a cache beside the queue",
      option("resultTtlMs"),
      by(
        "execute",
        "execute() settles a completed task with its result as JSON",
      ),
    ),
    same(
      "`broker`",
      "the `broker` of a `Queue`",
      has(() => UpstashBroker),
      by("queue_producer", "new Queue() refuses what it cannot work with"),
    ),
    same(
      "`cluster`",
      "the `name` of a `Queue`",
      has(() => new Queue({ name: "slow", broker: lazy() }).name === "slow"),
    ),
    same(
      "`task_name`, humanized",
      "`label`; ids are not made readable",
      option("label"),
      by("middleware", "ctx.label is what the task was enqueued with"),
    ),
    better(
      "`q_options`",
      "options are an argument of their own: no name can clash with an input's",
      by(
        "queue_producer",
        "enqueue() sends the options over the definition's over the defaults",
      ),
    ),
    better(
      "`iter_count`, `iter_cached`",
      "the group's total; nothing to give",
      by("group", "results() gives all members page by page, in order"),
    ),
    better(
      "`schedule(func, …)`, an error when the name is taken",
      "`queue.schedule(name, call, when, options)`, an upsert that changes nothing the second time",
      has((queue) => queue.schedule),
      by(
        "schedule",
        "schedule() 1,000 times while slots fire changes nothing, and each slot comes once",
      ),
    ),
    better(
      "`result(task_id, wait)`, `None` also for “not yet”",
      "`queue.result(id, { waitMs, signal })`: every state by its name",
      has((queue) => queue.result),
      by(
        "queue_administration",
        "result() tells a handler that returned nothing from a result that is not kept",
      ),
    ),
    same(
      "`fetch(task_id, wait)`",
      "`queue.result(id)`: status, value or error, attempts",
      by(
        "queue_administration",
        "result() tells errors, due times and results that are not there",
      ),
    ),
    leftOut(
      "a task by its name instead of its id",
      "names are not unique: give the task an `id` of yours",
      option("id"),
    ),
    better(
      "`result_group`, `fetch_group`, `wait`, `count`",
      "`queue.group(id).results({ waitMs, failures })`: in input order, as soon as all members have ended, never for a number that was passed",
      has((queue) => queue.group("g").results),
      by("group", "wait() answers when the last member has ended"),
    ),
    better(
      "`count_group(group_id, failures)`",
      "`queue.group(id).counts()`, by how they ended and how many have not",
      has((queue) => queue.group("g").counts),
      by("map", "map() gives results in the order of the inputs"),
    ),
    better(
      "`delete_group(group_id, tasks)`",
      "`queue.group(id).cancel()` for what waits, `delete()` for what has ended",
      by("group", "delete() forgets the group, its members and their results"),
      by("group", "cancel() ends what waits, and each is counted"),
    ),
    same(
      "`delete_cached(task_id)`",
      "`chain.delete()`, `group.delete()`; a single result goes by its `resultTtlMs`",
      by("followers", "chain.delete() forgets what has ended"),
    ),
    better(
      "`queue_size()`",
      "`queue.stats()`: ready, scheduled, leased, dead; what a consumer holds is counted",
      has((queue) => queue.stats),
      by(
        "queue_administration",
        "cancel(), pause(), resume() and stats() speak to the broker",
      ),
    ),
    better(
      "`async_iter(func, args)`",
      "`queue.map(task, inputs)`: results in input order, each with its own end; no inputs complete at once",
      by("map", "map() is complete at once when there are no inputs"),
      by("map", "map() takes 100,000 inputs"),
    ),
    same(
      "`Iter.append`, `run`, `length`",
      "an async iterable of inputs; `map.length`",
      by("map", "map() holds no more than 8 MB of what it reads"),
    ),
    same(
      "`Iter.result(wait)`, `fetch(wait)`",
      "`map.results({ waitMs })`",
      by(
        "group",
        "wait() and results() answer how it stands when the time is over",
      ),
    ),
    better(
      "`async_chain(chain)`, which goes on after a failure",
      '`queue.chain(calls)` stops, or goes on with `onFailure: "continue"`; the next link reads `ctx.previous`',
      has((queue) => queue.chain),
      by("followers", "chain() stops at a dead link, whose end is the chain's"),
    ),
    better(
      "an `async_iter` inside a chain: none",
      "`mapOf(task, inputs?)` and `groupOf(calls)` as links: fan-out, then fan-in",
      has(() => [mapOf, groupOf]),
      by(
        "chain_group",
        "chain() runs a map of the list that the link before returned",
      ),
    ),
    same(
      "`Chain.append`, `run`, `length`",
      "build the list, then `queue.chain(list)`; `chain.ids.length`",
      by("followers", "chain() of 1,000 links completes, in one shard"),
    ),
    same(
      "`Chain.result(wait)`, `fetch`",
      "`chain.result({ waitMs })`; `queue.result(id)` of each of `chain.ids`",
      by("followers", "chain.result() waits for the last link"),
    ),
    better(
      "`Chain.current()`",
      "`chain.counts()`, `chain.cancel()`, and `queue.chainOf()` after a restart",
      by(
        "followers",
        "chain.delete() forgets what has ended, and chainOf() finds the rest",
      ),
    ),
    same(
      "`AsyncTask(func, …)` with `run`, `result`, `fetch`",
      "`task.with(input, options)` is a call, to enqueue when it suits; its id is in the answer",
      has(() => defineTask("call").with().name === "call"),
    ),
    same(
      "`AsyncTask.result_group`, `fetch_group`",
      "`queue.group(id)`",
      has((queue) => queue.group("g").wait),
    ),
    better(
      "`Task` rows: args, result, group, cluster, `attempt_count`",
      "`queue.list({ state })` and `queue.result(id)`, from the first moment on",
      by(
        "queue_administration",
        "list() pages through a state and tells what belongs to it",
      ),
    ),
    better(
      "`Task.time_taken()`, wait and run in one",
      "`messaging.process.duration` for the run, `baton.task.wait` for the wait",
      by(
        "instrument_providers",
        "createInstrument() measures with the advised buckets",
      ),
    ),
    same(
      "`Task.get_result`, `get_task`, `get_result_group`, `get_group_count`, `get_task_group`, `delete_group`",
      "`queue.result(id)`, `queue.group(id)`",
      has((queue) => [queue.result, queue.group]),
    ),
    same(
      "`Success` and `Failure` proxies",
      '`queue.list({ state: "dead" })` for failures; who succeeded is asked by id',
      by(
        "queue_administration",
        "redrive() revives the dead that fit the filter",
      ),
    ),
  ],
};

function lazy(): baton.WorkflowBroker {
  return new UpstashBroker({
    eval: () => Promise.reject(new Error("nobody asks")),
    evalsha: () => Promise.reject(new Error("nobody asks")),
  });
}
