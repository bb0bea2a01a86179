/** Part 1.3 of the inventory: every key of `Q_CLUSTER`. */
import { Queue, UpstashBroker } from "../../../mod.ts";
import { Telemetry } from "../../../src/otlp/mod.ts";
import { connect } from "../../../src/upstash/mod.ts";
import {
  better,
  by,
  has,
  impossible,
  leftOut,
  type Part,
  same,
} from "./row.ts";

export const SETTINGS: Part = {
  title: "`Q_CLUSTER`",
  rows: [
    same("`name`", "a queue's `name`", has((queue) => queue.name)),
    better(
      "`cluster_name`, `Q_CLUSTER_NAME`, `ALT_CLUSTERS`",
      "as many `Queue`s as you like in one process; `new Consumer({ queues })` drains several by weight",
      by("consumer", "Consumer.drain() shares lanes and leases by weight"),
    ),
    same(
      "`log_level`",
      "nothing is logged: `queue.on(event)`, `onError`, spans; `register({ logger })` for what telemetry has to say",
      by("events", "on() tells the life of a task that completes"),
    ),
    same(
      "`workers`",
      "`concurrency` of `drain()` and `work()`",
      by("drain", "drain() runs no more than concurrency handlers"),
    ),
    impossible(
      "`daemonize_workers`, `recycle`, `max_rss`, `cpu_affinity`",
      "there are no processes to fork: the platform owns the isolate. A task that kills its isolate takes no other with it",
      by(
        "host/poison",
        "a task that kills its process takes no other task with it",
      ),
    ),
    better(
      "`queue_limit` (prefetch)",
      "`batchSize`: a consumer holds no more leases, each held as long as it waits",
      by("drain", "drain() holds enough tasks for its lanes"),
    ),
    leftOut(
      "`compress`",
      "a payload is JSON of at most `maxPayloadBytes`: keep what is large elsewhere and pass a reference",
      by(
        "queue_producer",
        "enqueue() refuses a payload over the limit, and says the size",
      ),
    ),
    better(
      "`timeout`",
      "`timeoutMs`, per task, 30 s unless said",
      by("execute", "execute() ends an attempt at its time-out"),
    ),
    better(
      "`retry`, shared by all tasks, running while they wait and run",
      "a lease per task, extended while it runs",
      by(
        "drain",
        "drain() extends what runs and what waits, before half of the lease is over",
      ),
    ),
    better(
      "`max_attempts`, global, counted when a failure is saved",
      "`maxAttempts`, per task, counted when it is claimed",
      by(
        "drain",
        "drain() ends as dead what never fits its budget, attempt for attempt",
      ),
    ),
    same(
      "`ack_failures`",
      "`maxAttempts: 1`; the failure is kept as dead",
      by("execute", "execute() buries the last attempt"),
    ),
    better(
      "`bulk`, not on Redis",
      "`batchSize`, in one request that settles and claims",
      by("drain", "drain() settles and claims a filled batch with each step"),
    ),
    better(
      "`poll`",
      "`pollMs: { min, max }`, longer and longer while nothing comes; a drain by cron does not poll",
      by("worker", "work() leaves an empty queue alone for longer and longer"),
    ),
    impossible(
      "`guard_cycle`",
      "nobody watches processes: whoever claims next returns leases that ran out",
      by("drain", "drain() runs a task whose consumer died alone"),
    ),
    same(
      "`scheduler`",
      "every consumer sees to schedules; `queue.pause()` and `pauseSchedule(name)` stop them",
      by("schedule", "pauseSchedule() lets no slot come"),
    ),
    better(
      "`catch_up`, global",
      "`catchUp`, per schedule: `all`, `one` or `skip`",
      by(
        "schedule",
        "schedule() with catchUp 'all' enqueues many missed slots in bounded steps",
      ),
    ),
    better(
      "`time_zone`",
      "`timeZone`, per schedule",
      by("recurrence", "nextSlot() follows Europe/Paris into summer time"),
    ),
    better(
      "`save_limit`",
      "`resultTtlMs`, and `keepResults` of a queue for the last n; nobody waits for it",
      by("execute", "execute() keeps no result when resultTtlMs is 0"),
      by(
        "support/contract/keeping.ts",
        "step() drops the oldest results beyond 'keepResults'",
      ),
    ),
    better(
      "`save_limit_per`",
      "`resultTtlMs` per task or definition, `ttlMs` per group",
      by(
        "map",
        "map() keeps results for ttlMs, and longer where the definition says so",
      ),
    ),
    same(
      "`sync`",
      "`Queue.inMemory()` and `drain()` in tests; `queue.inline` for one task",
      has(() => Queue.inMemory().inline),
    ),
    better(
      "`cache`, `cached`",
      "no cache: results, progress and counts live in the queue's own keys",
      by("memory", "MemoryBroker drains a backlog of 50,000 in order"),
    ),
    impossible(
      "`label` (of the admin)",
      "there is no Django admin: `list`, `stats`, `redrive` and `purge` are functions for your own",
      has((queue) => [queue.list, queue.redrive, queue.purge]),
    ),
    better(
      "`error_reporter`",
      "`onError`, with the task's facts, after `redact`",
      by("reporters", "onError hears of each failed attempt"),
    ),
    same(
      "`redis`, `django_redis`",
      "`new UpstashBroker(client)`, or `connect(env)` of `@baton/queue/upstash`",
      has(() => connect),
      by("upstash_connect", "connect() takes the environment's two variables"),
    ),
    impossible(
      "`orm`, `mongo`, `sqs`, `iron_mq`",
      "Upstash Redis is what answers over `fetch` with scripts; another store is a `Broker` of yours",
      has(() => UpstashBroker),
    ),
    same(
      "`broker_class`",
      "any object with the verbs of `WorkflowBroker`; the contract's tests run on both that are here",
      by("host/model", "UpstashBroker does what MemoryBroker does"),
    ),
    same(
      "`testing`",
      "`Queue.inMemory({ clock: testClock() })`",
      by(
        "test_clock",
        "Queue.inMemory({ clock }) runs delays and retries without waiting",
      ),
    ),
    better(
      "`SECRET_KEY` of Django, one",
      "`seal: { keys }`: signed or encrypted, keys change without a stop",
      by("seal_queue", "keys change without a stop, consumers first"),
    ),
    better(
      "prometheus multiprocess directory",
      "metrics leave over OTLP with the spans",
      has(() => Telemetry.prototype.flush),
    ),
  ],
};
