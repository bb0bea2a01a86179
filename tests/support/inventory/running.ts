/** Parts 1.4 to 1.9 of the inventory: brokers, delivery, hooks and signals, schedules, the wire, screens. */
import * as baton from "../../../mod.ts";
import {
  better,
  by,
  has,
  impossible,
  leftOut,
  type Part,
  same,
} from "./row.ts";

export const BROKERS: Part = {
  title: "Brokers and delivery",
  rows: [
    better(
      "`enqueue`, `dequeue`, `acknowledge`, `fail`, `delete`",
      "`enqueue` and `step`, which settles and claims in one request",
      by("drain", "drain() settles and claims a filled batch with each step"),
    ),
    same(
      "`queue_size`, `lock_size`, `ping`, `info`",
      "`queue.stats()`, `queue.verify()`",
      has((queue) => [queue.stats, queue.verify]),
    ),
    same(
      "`delete_queue`, `purge_queue`",
      "`queue.purge(filter)`",
      by("queue_administration", "purge() ends what waits and fits the filter"),
    ),
    better(
      "`set_stat`, `get_stat`, `get_stats`, found with `KEYS`",
      "counts without a scan; consumers are known by their leases",
      by(
        "queue_administration",
        "cancel(), pause(), resume() and stats() speak to the broker",
      ),
    ),
    better(
      "Redis: popped is gone, at most once",
      "at least once: a lease that runs out gives the task back, with its attempt spent",
      by(
        "host/fault_run",
        "10,000 tasks survive every fault and a killed consumer every second",
      ),
    ),
    better(
      "a worker or cluster that is killed",
      "the lease ends, the attempt is counted, the task comes again, alone",
      by(
        "host/kill",
        "a consumer killed between an enqueue and its settlement",
      ),
    ),
    better(
      "a function that swallows its time-out",
      "the attempt has ended all the same; the lane is free when the handler returns",
      by(
        "drain",
        "drain() keeps a lane taken until a timed-out handler has returned",
      ),
    ),
    better(
      "a result that cannot be pickled is lost",
      "the task completes, and its span and report say why nothing is kept",
      by(
        "execute",
        "execute() completes a task whose result cannot be kept, and says so",
      ),
    ),
    better(
      "a bad signature is dropped and logged",
      "dead at once, with the reason; under an unknown key it waits for who has it",
      by("seal_queue", "a ${how} envelope with any byte changed is never run"),
    ),
    better(
      "a second delivery of what has succeeded",
      "its settlement is stale, and changes nothing",
      by("drain", "drain() reports a settlement that came too late"),
    ),
    better(
      "stopping some tasks while others go on: none",
      "`queue.pause({ name })`, `queue.resume({ name })`",
      by(
        "support/contract/pausing.ts",
        "pause() of a name stops the tasks of that name only",
      ),
    ),
  ],
};

export const SIGNALS: Part = {
  title: "Hooks and signals",
  rows: [
    better(
      "`pre_enqueue`",
      "`enqueue` of a middleware, which sees the answer, too",
      by(
        "middleware",
        "enqueue() of a middleware changes the call before it is checked",
      ),
    ),
    impossible(
      "`post_spawn`",
      "nothing is spawned: whoever calls `drain()` or `work()` knows",
      has((queue) => queue.work),
    ),
    same(
      "`pre_execute`",
      '`queue.on("started")`, or `process` of a middleware before `next()`',
      by(
        "middleware",
        "process() of a middleware gets the attempt and its parsed input",
      ),
    ),
    better(
      "`post_execute_in_worker`, with `exc_info`",
      "`process` of a middleware after `next()`, with the result or the error, also in `inline`",
      by(
        "middleware",
        "process() of a middleware sees what the handler throws",
      ),
    ),
    better(
      "`post_execute`",
      '`queue.on("succeeded")`, `"failed"`, `"retried"`, `"dead"`, `"expired"`, `"cancelled"`',
      by(
        "events",
        "on() tells each failed attempt, and then whether another follows",
      ),
    ),
    better(
      "`pre_chain_progress`, `post_chain_progress` (fork)",
      '`queue.on("enqueued")` with `parent`: the next link is committed with its parent\'s end',
      by(
        "events",
        "on() tells of enqueued what is new, however it was enqueued, and by whose end",
      ),
    ),
    better(
      "no signal for enqueued, retried, killed, lost, schedule fired",
      '`"enqueued"`, `"claimed"`, `"retried"`, `"released"`, `"lost"`, `"scheduleFired"`',
      by("events", "on() tells a lost lease"),
    ),
    better(
      '`task["attempt"]` (fork), stored failures only',
      "`ctx.attempt`: every claim",
      by("execute", "ctx tells the attempt"),
    ),
  ],
};

export const SCHEDULES: Part = {
  title: "Schedules",
  rows: [
    same(
      "`O` once",
      "`{ at }` or `once()`",
      has(() => baton.once),
    ),
    same(
      "`I` minutes",
      "`minutes(n)`, or `{ everyMs }`",
      has(() => baton.minutes),
    ),
    same("`H` hourly", "`hourly()`", has(() => baton.hourly)),
    same("`D` daily", "`daily()`", has(() => baton.daily)),
    same(
      "`W` weekly, `BW` biweekly",
      "`weekly()`, `biweekly()`",
      has(() => [baton.weekly, baton.biweekly]),
    ),
    better(
      "`M` monthly, `BM` bimonthly, `Q` quarterly, `Y` yearly, which drift from the 31st to the 28th",
      "`monthly()`, `bimonthly()`, `quarterly()`, `yearly()`, reckoned from their anchor",
      by("recurrence", "monthly() returns to the 31st after shorter months"),
    ),
    better(
      "`C` cron, by croniter",
      "`{ cron, timeZone }`: names, ranges, steps, `L`, `W`, `#`, nicknames; catches up, too",
      by(
        "host/croner",
        "slotsBetween() agrees with croner on 10,000 expressions",
      ),
    ),
    better(
      "`repeats`, 0 as a pause",
      "`repeats`; `pauseSchedule`, `resumeSchedule`",
      by("schedule", "schedule() is over after its repeats"),
    ),
    same(
      "`next_run`",
      "`startAt`, or a helper's `anchor`",
      by("schedule", "schedule() has no slot before startAt or after endAt"),
    ),
    same(
      "`intended_date_kwarg`",
      "`ctx.intendedAt`",
      by(
        "schedule",
        "schedule() runs a task once at each slot, which it reads as ctx.intendedAt",
      ),
    ),
    same(
      "group = the schedule's name",
      "`ctx.schedule`, `baton.schedule` on spans",
      by("schedule_trace", "schedule() is a CLIENT span"),
    ),
    better(
      "`hook` of a schedule",
      "the hooks of its call, anew for each slot",
      by("schedule", "schedule() gives each slot its own hooks"),
    ),
    better(
      "args and kwargs as Python literals",
      "any JSON, checked by the task's schema when the schedule is entered",
      by(
        "schedule",
        "schedule() refuses what would not work, and sends nothing",
      ),
    ),
    better(
      "a pass every 30 s, with a row lock",
      "no scheduler: a due schedule is claimed like a task, to the millisecond, and its slot enqueued once",
      by("host/schedule_race", "consumers that race on"),
    ),
    better(
      "“Could not create task from schedule”",
      "the slot's task is part of the schedule's settlement: both or neither",
      by(
        "schedule",
        "schedule() that changes a schedule makes a firing under way stale",
      ),
    ),
    better(
      "overlap is not prevented",
      '`overlap: "skip"`',
      by("schedule", "schedule() with overlap '${overlap}' runs"),
    ),
  ],
};

export const SCREENS: Part = {
  title: "The wire, commands and screens",
  rows: [
    better(
      "signed pickle: readable by all, and code for whoever has the key",
      "versioned JSON, by `seal` signed, or encrypted as well",
      by("seal", "seal.open() gives what seal.close() was given"),
    ),
    impossible(
      "running tasks that Django enqueued",
      "a pickle holds Python objects, and only Django can write the row of its result",
    ),
    leftOut(
      "enqueueing for a Django cluster",
      "feasible (the format is known), and not built: let Django's side take an HTTP request",
    ),
    same(
      "`qcluster`",
      "`queue.work()` where processes stay, `queue.drain()` by cron or request elsewhere",
      by(
        "worker",
        "work() runs what is there and what comes, until it is stopped",
      ),
    ),
    same(
      "`qcluster --run-once`",
      "`queue.drain()`",
      by("drain", "drain() takes one step when the queue is empty"),
    ),
    leftOut(
      "`qmonitor`, `qinfo`",
      "no screens: `queue.stats()`, `list()`, `schedules()`, and metrics for a dashboard",
      by(
        "instrument_providers",
        "createInstrument() measures with the advised buckets",
      ),
    ),
    better(
      "`qinfo --config`, which prints `SECRET_KEY`",
      "nothing prints a key, and no error holds one",
      by(
        "seal_queue",
        "new Queue() says what is wrong with its seal, without a secret",
      ),
    ),
    impossible(
      "`qmemory`",
      "an isolate does not see its memory, nor a neighbour's",
    ),
    impossible(
      "`Stat`, `Stat.get_all()`: hosts and pids",
      "consumers are requests as often as processes: they are known by their leases, and `baton.worker` on spans",
      by("instrument", "startProcess() makes a CONSUMER span"),
    ),
    same(
      "admin: successful and failed tasks, resubmit, delete",
      "`queue.list`, `queue.redrive`, `queue.purge`; a redriven task keeps its id, its options and its trace",
      by(
        "queue_administration",
        "redrive() revives the dead that fit the filter",
      ),
    ),
    same(
      "admin: schedules",
      "`queue.schedules()`, `schedule`, `unschedule`, `pauseSchedule`",
      by("schedule", "schedules() lists them by name, over pages"),
    ),
    better(
      "admin: queued tasks (ORM only)",
      '`queue.list({ state: "ready" })`, `queue.cancel(id)`',
      by("queue_administration", "list() pages through a state"),
    ),
    same(
      "health check (an example)",
      "`queue.stats()`: `oldestAgeMs` says whether anybody works",
      by(
        "queue_administration",
        "cancel(), pause(), resume() and stats() speak to the broker",
      ),
    ),
  ],
};
