import type { Context } from "@opentelemetry/api";
import type {
  StepReply,
  StepRequest,
  WorkflowBroker,
} from "../../broker/broker.ts";
import { instead } from "../../broker/instead.ts";
import { Budget } from "./budget.ts";
import {
  type ConsumerDrainReport,
  type ConsumerReport,
  drainedReport,
  type Ended,
  workedReport,
} from "./consumer_report.ts";
import { Ferry } from "./ferry.ts";
import { Scopes } from "./scopes.ts";
import type { Share } from "./share.ts";
import { Shares } from "./shares.ts";
import type { Consumed } from "../consumed.ts";
import type { ConsumerLimits } from "../consumer_options.ts";
import { drainOne } from "../drain.ts";
import type { DrainLimits } from "../drain_options.ts";
import type { WorkLimits, WorkOptions } from "../work_options.ts";
import { workOne } from "../worker.ts";

/** A queue that is consumed with others, and in which context. */
export interface Around extends Consumed {
  readonly context: Context;
}

/** Drains queues together, with the limits of all. */
export async function drainAll(
  all: readonly Around[],
  limits: DrainLimits,
  signal: AbortSignal | undefined,
): Promise<ConsumerDrainReport> {
  await load(all);
  const budget = new Budget(limits.maxRequests);
  const scopes = new Scopes();
  for (const { parts, context } of all) scopes.open(parts.instrument, context);
  budget.keep(scopes.signals);
  const ended = await each(
    all,
    limits,
    async ({ parts, context }, own) =>
      await drainOne(parts, {
        ...own,
        context: scopes.open(parts.instrument, context),
        budget,
        signal,
      }),
  );
  await scopes.flush();
  return drainedReport(ended);
}

/** Works queues together that are loaded, until the signal aborts, with the limits of all. */
export async function workAll(
  all: readonly Around[],
  limits: WorkLimits,
  signal: AbortSignal,
  { onError, listen }: Pick<WorkOptions, "onError" | "listen">,
): Promise<ConsumerReport> {
  const ended = await each(
    all,
    limits,
    ({ parts, context }, own) =>
      workOne(parts, { ...own, signal, context, onError, listen }).done,
  );
  return workedReport(ended);
}

/** Loads what the queues' telemetry needs of a consumer. */
export async function load(all: readonly Around[]): Promise<void> {
  for (const { parts } of all) await parts.instrument.load();
}

/** What one queue is consumed with. */
interface Own<Limits> {
  readonly limits: Limits;
  readonly share: Share;
}

/** Consumes each queue with its part, all at once, and waits for all of them. */
async function each<Limits extends ConsumerLimits, Report>(
  all: readonly Around[],
  limits: Limits,
  consume: (one: Around, own: Own<Limits>) => Promise<Report>,
): Promise<readonly Ended<Report>[]> {
  const clock = all[0]!.parts.clock;
  const shares = new Shares(limits, clock);
  const ferries = new Map<WorkflowBroker, Ferry>();
  const weights = all.reduce((sum, { weight }) => sum + weight, 0);
  const owns = all.map((one) => {
    const { broker, weight, parts: { name: queue } } = one;
    const ferry = ferries.get(broker) ??
      new Ferry(broker, clock, () => shares.invite());
    ferries.set(broker, ferry);
    const board = (request: StepRequest) => ferry.board({ queue, request });
    const share = shares.add({ weight, send: sendingBy(one, board) });
    const maxBytes = Math.floor(limits.maxBytes * weight / weights);
    return { limits: { ...limits, maxBytes }, share };
  });
  const results = await Promise.allSettled(
    all.map((one, i) => consume(one, owns[i]!)),
  );
  return results.map((result, i) => ({
    queue: all[i]!.parts.name,
    result,
  }));
}

/** How steps of the queue are sent that reach the broker by `send`: behind whatever the queue has before its broker. */
function sendingBy(
  { parts: { name, source }, broker }: Consumed,
  send: (request: StepRequest) => Promise<StepReply>,
): (request: StepRequest) => Promise<StepReply> {
  if (source === undefined) return send;
  const step: WorkflowBroker["step"] = (_, request) => send(request);
  const before = source.before(instead(broker, { step }));
  return (request) => before.step(name, request);
}
