import type { Context } from "@opentelemetry/api";
import type { Delivery } from "../broker/broker.ts";
import { readEnvelope } from "../codec/envelope.ts";
import { checkEffect } from "../core/check.ts";
import { newId } from "../core/id.ts";
import type { EnqueueOptions } from "../core/options.ts";
import type { Call, Handler } from "../core/task.ts";
import { attempt, type EndedAttempt } from "./attempt.ts";
import type { Deferred } from "./context.ts";
import { errorTypeOf } from "./conventions.ts";
import { describe, prepare } from "./enqueue.ts";
import type { EnqueueTrace } from "./instrument.ts";
import type { QueueParts } from "./parts.ts";

/**
 * Runs a task's handler here and now, under the spans of an `enqueue` and its `process`, and gives what it returns.
 * The input goes through JSON and both schema checks, the time-out holds, and what the handler enqueues or defers is really enqueued; the task itself never reaches the broker.
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
    const value = await receive(parts, delivery, handler, outer) as Output;
    producer.succeed(1);
    return value;
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
  const id = call.options.id ?? newId(now, parts.random);
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
  });
  try {
    const value = await valueOf(parts, await running.ended);
    trace.finish({ state: "success", error: undefined, errorType: undefined });
    return value;
  } catch (thrown) {
    const error = parts.redact(thrown);
    const errorType = errorTypeOf(thrown, error);
    trace.finish({ state: "dead", error, errorType, thrown });
    throw thrown;
  } finally {
    trace.settled("accepted");
  }
}

/** What the handler returned, once what it deferred is enqueued. */
async function valueOf(
  parts: QueueParts,
  { end, deferred }: EndedAttempt,
): Promise<unknown> {
  try {
    switch (end.kind) {
      case "returned":
        await enqueueAll(parts, deferred);
        return end.value;
      case "released":
        throw new TypeError(
          "The handler released its task, which has no line to go back to when it runs inline",
        );
      default:
        throw end.error;
    }
  } catch (error) {
    for (const { trace } of deferred) trace.fail(error);
    throw error;
  }
}

async function enqueueAll(
  { broker, name, instrument }: QueueParts,
  deferred: readonly Deferred[],
): Promise<void> {
  if (deferred.length === 0) return;
  const tasks = deferred.map(({ task }) => task);
  const reply = await broker.enqueue(name, { tasks, maxBacklog: undefined });
  instrument.spent("enqueue", reply);
  deferred.forEach(({ trace }, i) =>
    trace.succeed(reply.answers[i]?.status === "new" ? 1 : 0)
  );
}
