import { BrokerError } from "../core/error.ts";
import type { StepReply, StepRequest } from "./broker.ts";
import { STEP } from "./lua/step.ts";
import { runTogether } from "./joint.ts";
import { readStep } from "./replies.ts";
import { settlementList } from "./settling.ts";
import type { Ran, ScriptRunner } from "./runner.ts";
import { type ScriptCall, scriptCall } from "./script.ts";
import type { QueueStep } from "./together.ts";

/** One step, alone. */
export function step(runner: ScriptRunner, one: QueueStep): Promise<StepReply> {
  return answered(runner, one, runner.run(stepCall(one, 0)));
}

/** Steps that share requests. Each is answered by itself: one that has to be repeated leanly goes alone. */
export function steps(
  runner: ScriptRunner,
  all: readonly QueueStep[],
): readonly Promise<StepReply>[] {
  const running = runTogether(
    runner,
    all.map((one) => ({ call: stepCall(one, 0), bytes: bytesOf(one) })),
  );
  return all.map((one, i) => answered(runner, one, running[i]!));
}

/** The reply, if need be that of the lean repeat. */
async function answered(
  runner: ScriptRunner,
  one: QueueStep,
  running: Promise<Ran>,
): Promise<StepReply> {
  const { consumer, seq } = one.request;
  const { reply, requests } = await orLeanly(runner, one, running);
  return readStep(reply, `${consumer}:${seq}`, requests);
}

async function orLeanly(
  runner: ScriptRunner,
  one: QueueStep,
  running: Promise<Ran>,
): Promise<Ran> {
  try {
    return await running;
  } catch (error) {
    if (!(error instanceof BrokerError) || error.failure !== "full") {
      throw error;
    }
    const lean = await runner.run(stepCall(one, 1));
    return { ...lean, requests: lean.requests + error.attempts };
  }
}

function stepCall({ queue, request }: QueueStep, lean: 0 | 1): ScriptCall {
  return scriptCall(
    STEP,
    queue,
    {
      consumer: request.consumer,
      seq: request.seq,
      lease_ms: request.leaseMs,
      limit: request.limit,
      max_bytes: request.maxBytes,
      alone: request.alone ? 1 : 0,
      rate_limit: request.rate?.limit ?? 0,
      rate_ms: request.rate?.perMs ?? 0,
      keep_results: request.keepResults ?? 0,
      lean,
      mark: request.wake?.mark ?? 0,
      leaving: LEAVING[request.wake?.leaving ?? "no"],
    },
    settlementList(request),
  );
}

const LEAVING = { no: 0, silently: 1, ringing: 2 } as const;

/** What the answer may hold of claimed tasks. */
function bytesOf({ request }: QueueStep): number {
  const { limit, maxBytes }: StepRequest = request;
  return limit > 0 ? maxBytes : 0;
}
