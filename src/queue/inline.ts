import type { Context } from "@opentelemetry/api";
import type { Delivery } from "../broker/broker.ts";
import { readEnvelope } from "../codec/opened.ts";
import { checkEffect } from "../core/check.ts";
import { newId } from "../core/id.ts";
import type { EnqueueOptions } from "../core/options.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Call, Handler } from "../core/task.ts";
import { announceInline } from "./attempt/announce.ts";
import { attempt, type AttemptEnd } from "./attempt/attempt.ts";
import { settlementOf } from "./attempt/settlement.ts";
import { describe, prepare } from "./enqueue/enqueue.ts";
import { announceEnqueued } from "./enqueue/newcomers.ts";
import { passCalls } from "./enqueue/passing.ts";
import type { QueueParts } from "./parts.ts";
import { errorTypeOf } from "./trace/conventions.ts";
import type { EnqueueTrace } from "./trace/instrument.ts";
import { sendRinging } from "./wake/waker.ts";
import { type Enqueuing, follow } from "./workflow/followers.ts";

/**
 * Runs a task's handler here and now, under the spans of an `enqueue` and its `process`, and gives what it returns.
 * The input goes through JSON and both schema checks, the time-out holds, and what the handler enqueues or defers is really enqueued, as the task's hooks are; the task itself never reaches the broker.
 *
 * @throws {TypeError} If no handler has the task's name, or an option is given that only means something to a broker.
 * @throws {PayloadError} If the input is refused.
 * @throws What the handler throws: there is one attempt.
 */
export async function inline<Output>(
  parts: QueueParts,
  call: Call<Output>,
  context: Context,
): Promise<Output> {
  let value: unknown;
  await passCalls(parts.middleware, [call], async ([through]) => {
    const ran = await runHere(parts, through!, context);
    value = ran.value;
    return [{ id: ran.id, deduplicated: false }];
  });
  return value as Output;
}

/** A task that ran, and what it gave. */
interface Ran {
  readonly id: string;
  readonly value: unknown;
}

async function runHere(
  parts: QueueParts,
  call: Call,
  context: Context,
): Promise<Ran> {
  const handler = parts.handlers.get(call.name);
  if (handler === undefined) {
    throw new TypeError(
      `No handler of this queue is named '${call.name}': pass what its handle(…) gives in 'handlers'`,
    );
  }
  checkEffect("in inline()", call.options, IDLE);
  const outer = call.options.context ?? context;
  const { delivery, producer } = await pass(parts, call, outer);
  try {
    const value = await receive(parts, delivery, handler, outer);
    producer.succeed(1);
    return { id: delivery.id, value };
  } catch (error) {
    producer.fail(error);
    throw error;
  }
}

/** What only means something to a broker. A definition's options may be such too, but say nothing of this call. */
const IDLE: readonly (keyof EnqueueOptions)[] = [
  "id",
  "delayMs",
  "runAt",
  "priority",
  "dedupe",
  "concurrency",
  "rate",
  "maxBacklog",
];

/** What a consumer would have received, and the span of who sent it. */
interface Passed {
  readonly delivery: Delivery;
  readonly producer: EnqueueTrace;
}

async function pass(
  parts: QueueParts,
  call: Call,
  outer: Context,
): Promise<Passed> {
  const now = parts.wall();
  const id = newId(now, parts.random);
  const producer = parts.instrument.startEnqueue(outer, [
    { ...describe(parts, call, id), sync: true },
  ]);
  try {
    const task = await prepare(parts, call, id, producer.carrierOf(0), 0);
    producer.handOver();
    const delivery: Delivery = {
      id,
      token: "",
      attempt: 1,
      enqueuedAt: now,
      dueAt: undefined,
      name: task.name,
      envelope: task.envelope,
      previousSpan: undefined,
      lastError: undefined,
      suspect: false,
      cancelled: false,
    };
    return { delivery, producer };
  } catch (error) {
    producer.fail(error);
    throw error;
  }
}

async function receive(
  parts: QueueParts,
  delivery: Delivery,
  handler: Handler,
  outer: Context,
): Promise<unknown> {
  const opened = readEnvelope(delivery.envelope);
  if (opened.kind !== "open") {
    throw new TypeError(`Cannot run task '${delivery.name}' inline`);
  }
  const envelope = { ...opened.envelope, maxAttempts: 1 };
  const options = { sync: true };
  const trace = parts.instrument
    .startProcess(delivery, envelope, outer, "", options);
  const running = attempt({
    parts,
    delivery,
    envelope,
    input: opened.input,
    handler,
    trace,
    extend: () => Promise.resolve(),
    progress() {},
  });
  const following = (outcome: Outcome): readonly Enqueuing[] => {
    const { limits } = parts;
    const settling = { delivery, envelope, limits, trace, enqueue: [] };
    const { ended } = settlementOf(outcome, settling);
    return ended ? follow(parts, envelope, ended, trace) : [];
  };
  let durationMs = 0;
  try {
    const { end, deferred, ...ended } = await running.ended;
    durationMs = ended.durationMs;
    const value = valueOf(end, deferred);
    const hooks = following({ kind: "completed", value });
    await enqueueAll(parts, delivery, [...deferred, ...hooks], outer);
    trace.finish({ state: "success", error: undefined, errorType: undefined });
    announceInline(parts, delivery, { kind: "completed", value }, durationMs);
    return value;
  } catch (thrown) {
    const error = parts.redact(thrown);
    const errorType = errorTypeOf(thrown, error);
    trace.finish({ state: "dead", error, errorType, thrown });
    const dead: Outcome = { kind: "dead", error };
    announceInline(parts, delivery, dead, durationMs);
    await enqueueAll(parts, delivery, following(dead), outer).catch(() => {
      // its span tells: what the handler threw goes first
    });
    throw thrown;
  } finally {
    trace.settled("accepted");
  }
}

/** What the handler returned; where it did not, what it deferred is not enqueued. */
function valueOf(end: AttemptEnd, deferred: readonly Enqueuing[]): unknown {
  if (end.kind === "returned") return end.value;
  const error = end.kind === "released"
    ? new TypeError(
      "The handler released its task, which has no line to go back to when it runs inline",
    )
    : end.error;
  failAll(deferred, error);
  throw error;
}

async function enqueueAll(
  parts: QueueParts,
  parent: Delivery,
  enqueuing: readonly Enqueuing[],
  context: Context,
): Promise<void> {
  if (enqueuing.length === 0) return;
  const { instrument } = parts;
  try {
    const tasks = enqueuing.map(({ task }) => task);
    const request = { tasks, maxBacklog: undefined };
    const reply = await sendRinging(parts, request, context);
    instrument.spent("enqueue", reply);
    const isNew = (_: unknown, i: number) => reply.answers[i]?.status === "new";
    enqueuing.forEach(({ trace, task }, i) =>
      trace.succeed(isNew(task, i) ? 1 : 0)
    );
    announceEnqueued(parts, tasks.filter(isNew), parent.id);
  } catch (error) {
    failAll(enqueuing, error);
    throw error;
  }
}

function failAll(enqueuing: readonly Enqueuing[], error: unknown): void {
  for (const { trace } of enqueuing) trace.fail(error);
}
