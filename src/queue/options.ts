import type { WorkflowBroker } from "../broker/broker.ts";
import {
  checkInteger,
  checkKnown,
  checkName,
  checkQueueName,
  checkRate,
} from "../core/check.ts";
import { steady, systemClock } from "../core/clock.ts";
import { systemRandom } from "../core/id.ts";
import type { StandardSchema } from "../core/schema.ts";
import type { Handler, RetryIf, Run } from "../core/task.ts";
import { Events } from "./events.ts";
import { BROKER_VERBS } from "./lazy.ts";
import { checkMiddleware } from "./middleware.ts";
import type { QueueLimits, QueueParts } from "./parts.ts";
import type { QueueOptions } from "./queue_options.ts";
import { createReport } from "./reporters.ts";
import { sealing } from "./seal/sealing.ts";
import { createInstrument } from "./trace/instrument.ts";
import { createRedact } from "./trace/redact.ts";
import { checkTracing } from "./trace/tracing.ts";
import { CONTROL_HANDLERS } from "./workflow/control.ts";

/** A definition with its handler, `defineTask(name, { run })`: as good as a handler. */
export interface HandledTask {
  /** The task's name. */
  readonly name: string;
  /** What parses the input before the run, if anything does. */
  readonly input: StandardSchema<unknown, unknown> | undefined;
  /** The handler. */
  readonly run: Run<never, unknown>;
  /** Whether an error is worth another attempt. */
  readonly retryIf?: RetryIf | undefined;
}

const OPTIONS: Readonly<Record<keyof QueueOptions, true>> = {
  name: true,
  broker: true,
  handlers: true,
  telemetry: true,
  tracing: true,
  redact: true,
  seal: true,
  middleware: true,
  onError: true,
  clock: true,
  random: true,
  maxPayloadBytes: true,
  keepResults: true,
  maxResultBytes: true,
  maxBacklog: true,
  rate: true,
  idTtlMs: true,
  wake: true,
  waitUntil: true,
};

/** Checks a queue's options and makes its parts. */
export function createParts(options: QueueOptions): QueueParts {
  checkKnown("of a Queue", options, Object.keys(OPTIONS));
  const {
    name = "default",
    broker,
    handlers = [],
    telemetry = {},
    tracing = {},
    redact: given,
    seal,
    middleware = [],
    onError,
    rate,
    wake,
    waitUntil,
    clock = systemClock,
    random = systemRandom,
  } = options;
  checkQueueName(name);
  checkBroker(broker);
  checkObject("The option 'telemetry'", telemetry);
  checkTracing(tracing);
  checkFunction("redact", given);
  checkFunction("onError", onError);
  checkFunction("wake", wake);
  checkFunction("waitUntil", waitUntil);
  if (rate !== undefined) checkRate(rate);
  for (const one of middleware) checkMiddleware(one);
  const byName = handlersByName(handlers);
  const redact = createRedact(given);
  const report = createReport(onError);
  const before = seal === undefined
    ? (given: WorkflowBroker) => given
    : sealing(seal);
  return {
    name,
    broker: before(broker),
    source: { broker, before },
    clock: steady(clock),
    wall: () => clock.now(),
    random,
    handlers: byName,
    redact,
    report,
    events: new Events((error, event) =>
      void report?.(redact(error), { kind: "listener", queue: name, event })
    ),
    middleware: [...middleware],
    limits: limitsOf(options),
    waker: wake && {
      wake,
      hop: 1,
      from: "producer",
      host: waitUntil && { waitUntil },
    },
    isConsumer: handlers.length > 0,
    rate: rate && { limit: rate.limit, perMs: rate.perMs },
    instrument: createInstrument({
      queueName: name,
      brokerType: broker.type,
      clock,
      telemetry,
      tracing,
      redact,
      knows: (task) => byName.has(task),
    }),
  };
}

function limitsOf({
  maxPayloadBytes = 262_144,
  maxResultBytes = 262_144,
  maxBacklog = 500_000,
  idTtlMs = 3_600_000,
  keepResults,
  seal,
}: QueueOptions): QueueLimits {
  checkInteger("maxPayloadBytes", maxPayloadBytes, 1);
  checkInteger("maxResultBytes", maxResultBytes, 1);
  checkInteger("maxBacklog", maxBacklog, 1);
  checkInteger("idTtlMs", idTtlMs, 600_000);
  if (keepResults !== undefined) checkInteger("keepResults", keepResults, 1);
  const maxChunkBytes = seal?.encrypt ? 6_000_000 : undefined;
  return {
    maxPayloadBytes,
    maxResultBytes,
    maxChunkBytes,
    maxBacklog,
    keepResults,
    idTtlMs,
  };
}

function handlersByName(
  handlers: readonly (Handler | HandledTask)[],
): ReadonlyMap<string, Handler> {
  if (!Array.isArray(handlers)) {
    throw new TypeError(
      "handlers must be a list, of what task.handle(…) gives or of tasks defined with 'run'",
    );
  }
  const byName = new Map<string, Handler>();
  for (const given of [...CONTROL_HANDLERS, ...handlers]) {
    const handler = toHandler(given);
    if (byName.has(handler.name)) {
      throw new RangeError(
        `Two handlers are named '${handler.name}': a name has one handler in a queue`,
      );
    }
    byName.set(handler.name, handler);
  }
  return byName;
}

function toHandler(given: Handler | HandledTask): Handler {
  checkObject("A handler", given);
  const { name, run, retryIf } = given;
  checkName("task's name", name);
  if (typeof run !== "function") {
    throw new TypeError(
      `Task '${name}' has no handler: pass what its handle(…) gives, or define it with 'run'`,
    );
  }
  const schema = "schema" in given ? given.schema : given.input;
  checkFunction("retryIf", retryIf);
  const handler = { name, schema, run: run as Run<unknown, unknown> };
  return retryIf === undefined ? handler : { ...handler, retryIf };
}

function checkBroker(broker: unknown): asserts broker is WorkflowBroker {
  const verbs = (broker ?? {}) as Partial<Record<string, unknown>>;
  if (BROKER_VERBS.some((verb) => typeof verbs[verb] !== "function")) {
    throw new TypeError(
      "A Queue needs a 'broker': pass new UpstashBroker(Redis.fromEnv()), or make it with Queue.inMemory() for tests",
    );
  }
}

function checkFunction(what: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw new TypeError(
    `The option '${what}' must be a function, not ${typeof value}`,
  );
}

function checkObject(what: string, value: unknown): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      `${what} must be an object, not ${
        value === null ? "null" : typeof value
      }`,
    );
  }
}
