import type { BrokerError } from "../core/error.ts";
import { brokerError, diagnose } from "./failure.ts";
import { type Patience, patiently } from "./patience.ts";
import type { Outcome } from "./pipeline.ts";
import { readReply } from "./reply.ts";
import type { Ran } from "./runner.ts";
import type { ScriptCall } from "./script.ts";

/** How many bytes one request and its answer have at most, in all, unless one call alone has more. */
const MAX_BYTES = 8_000_000;

/** A call among others, and how many bytes its answer may have. */
export interface ConvoyCall {
  readonly call: ScriptCall;
  readonly bytes: number;
}

/** Sends calls in one request, and says of each what became of it; never rejects. */
export type SendTogether = (
  calls: readonly ScriptCall[],
) => Promise<readonly Outcome[]>;

/** A call that is on its way. */
interface Rider {
  readonly call: ScriptCall;
  readonly answer: PromiseWithResolvers<Ran>;
  /** The requests that are counted with it. */
  requests: number;
  error: unknown;
}

/**
 * Sends calls together, again those that were not answered, and answers each by itself as soon as that is known.
 * What cannot be in one request for its size goes in several at once.
 */
export function ride(
  calls: readonly ConvoyCall[],
  patience: Patience,
  send: SendTogether,
): readonly Promise<Ran>[] {
  const riders = calls.map(({ call, bytes }) => ({
    rider: {
      call,
      answer: Promise.withResolvers<Ran>(),
      requests: 0,
      error: undefined,
    },
    bytes,
  }));
  for (const group of fitting(riders)) void carry(group, patience, send);
  return riders.map(({ rider }) => rider.answer.promise);
}

async function carry(
  riders: readonly Rider[],
  patience: Patience,
  send: SendTogether,
): Promise<void> {
  let left = riders;
  let attempts = 0;
  try {
    await patiently("step", patience, async () => {
      attempts++;
      const asked = left;
      asked[0]!.requests++;
      const arrived = await send(asked.map(({ call }) => call));
      left = asked.filter((rider, i) => !isDone(rider, arrived[i]!, attempts));
      if (left.length > 0) throw left[0]!.error;
    });
  } catch (error) {
    for (const rider of left) {
      rider.error ??= error;
      rider.answer.reject(failureOf(rider, attempts));
    }
  }
}

/** Takes what arrived, and says whether that is the end of it. */
function isDone(rider: Rider, arrived: Outcome, attempts: number): boolean {
  try {
    if (!arrived.ok) throw arrived.error;
    const reply = readReply(rider.call.script.name, arrived.value);
    rider.answer.resolve({ reply, requests: rider.requests });
    return true;
  } catch (error) {
    rider.error = error;
  }
  const failure = failureOf(rider, attempts);
  if (failure.retryable || failure.failure === "invalid_reply") return false;
  rider.answer.reject(failure);
  return true;
}

function failureOf({ call, error }: Rider, attempts: number): BrokerError {
  return brokerError(diagnose(error), call.script.name, attempts);
}

/** In order, as many in each group as fit in one request. */
function fitting(
  riders: readonly { readonly rider: Rider; readonly bytes: number }[],
): readonly (readonly Rider[])[] {
  const groups: Rider[][] = [];
  let room = -1;
  for (const { rider, bytes } of riders) {
    const size = bytes + lengthOf(rider.call);
    room -= size;
    if (room < 0) {
      groups.push([]);
      room = MAX_BYTES - size;
    }
    groups.at(-1)!.push(rider);
  }
  return groups;
}

function lengthOf({ keys, args }: ScriptCall): number {
  let length = 0;
  for (const text of keys) length += text.length;
  for (const text of args) length += text.length;
  return length;
}
