import type { NewTask } from "../../broker/broker.ts";
import type { Envelope } from "../../codec/envelope.ts";
import { enactPlan, type Planned, readPlan } from "../../codec/opened.ts";
import type { ChainRest, Follower, Link } from "../../codec/plan.ts";
import type { EndedState } from "../../core/state.ts";
import { type Bonds, dueOf } from "../enqueue/writing.ts";
import type { QueueParts } from "../parts.ts";
import { factsOf } from "../trace/facts.ts";
import type {
  EnqueueTrace,
  ProcessTrace,
  SentTask,
} from "../trace/instrument.ts";

/** A task that is enqueued with another one's settlement, its PRODUCER span open until that is answered. */
export interface Enqueuing {
  readonly task: NewTask;
  readonly trace: EnqueueTrace;
}

/** How a task ended, for what follows it. */
export interface Ended {
  readonly status: EndedState;
  /** What came of it, as JSON. */
  readonly settled: string;
}

/** The tasks that are enqueued with the end of another: its hooks, and what is next of its chain. */
export function follow(
  parts: QueueParts,
  envelope: Envelope,
  { status, settled }: Ended,
  trace: Pick<ProcessTrace, "context" | "depth">,
): readonly Enqueuing[] {
  return followersOf(envelope, status).flatMap(({ id, plan, chain }) => {
    const planned = readPlan(plan);
    if (planned === undefined) return [];
    const { followers, membership } = planned.envelope;
    const bonds: Bonds = { followers, chain, membership };
    const sent = describePlanned(parts, planned, id, bonds);
    const producer = parts.instrument.startEnqueue(trace.context, [sent]);
    const text = enactPlan(plan, {
      carrier: producer.carrierOf(0),
      depth: trace.depth + 1,
      chain,
      previous: settled,
    });
    const task = taskOf(planned, id, text, bonds);
    return [{ task, trace: producer }];
  });
}

/** What the PRODUCER span of a planned task says of it. */
export function describePlanned(
  parts: QueueParts,
  { envelope: { name, label, timeoutMs } }: Planned,
  id: string,
  bonds: Bonds,
): SentTask {
  const defined = parts.handlers.has(name);
  return { id, name, label, timeoutMs, defined, ...factsOf(bonds) };
}

/** A planned task, its envelope written, as the broker takes it. */
export function taskOf(
  planned: Planned,
  id: string,
  envelope: string,
  { followers, chain }: Bonds,
): NewTask {
  const { envelope: { name, dedupe }, priority, dedupeMs = 0 } = planned;
  const { concurrency, rate } = planned;
  return {
    id,
    name,
    envelope,
    priority,
    due: dueOf(planned),
    dedupe: dedupe && { key: dedupe.key, ttlMs: dedupeMs },
    ...(concurrency ? { concurrency } : {}),
    ...(rate ? { rate } : {}),
    ...((followers ?? chain) === undefined ? {} : { related: true }),
  };
}

/** Who follows a task that ended so, a link with what is left of its chain behind it. */
function followersOf(
  { followers = [], chain }: Envelope,
  status: EndedState,
): readonly (Link & { readonly chain: ChainRest | undefined })[] {
  const next = chain && nextOf(chain, status);
  return [
    ...followers.filter((follower) => isMeant(follower, status))
      .map((hook) => ({ ...hook, chain: undefined })),
    ...(next ? [next] : []),
  ];
}

function isMeant({ on }: Follower, status: EndedState): boolean {
  return on === "settled" || (on === "success") === (status === "completed");
}

/** Whether the next link follows a link that ended so. */
export function leadsOn(
  { links, goesOn }: ChainRest,
  status: EndedState,
): boolean {
  return links.length > 0 &&
    (status === "completed" || goesOn && status !== "cancelled");
}

/** The next link; where there is none, or it is not to run, what comes at the chain's end. A cancelled link ends its chain, whatever was said of failures. */
function nextOf(
  chain: ChainRest,
  status: EndedState,
): (Link & { readonly chain: ChainRest | undefined }) | undefined {
  const [next, ...links] = chain.links;
  if (next !== undefined && leadsOn(chain, status)) {
    return { ...next, chain: { ...chain, links } };
  }
  return chain.end && { ...chain.end, chain: undefined };
}
