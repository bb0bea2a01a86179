import { checkKnown } from "../../core/check.ts";
import type { Inputs, MapOptions, SentGroup } from "../../core/group.ts";
import { MEMBER_OPTIONS } from "../../core/link.ts";
import type { EnqueueOptions } from "../../core/options.ts";
import type { Call } from "../../core/task.ts";
import type { Origin } from "../enqueue/enqueue.ts";
import type { QueueParts } from "../parts.ts";
import { checkInputs, DAY_MS, GROUP_OPTIONS } from "./group_options.ts";
import { sendGroup } from "./send_group.ts";

/** Sends a group of one task for each input, which `call` makes. */
export async function map<Input, Output>(
  parts: QueueParts,
  call: (input: Input, options: EnqueueOptions) => Call<Output>,
  inputs: Inputs<Input>,
  options: MapOptions,
  origin: Origin,
): Promise<SentGroup<Output>> {
  checkKnown("of map()", options, [...GROUP_OPTIONS, ...MEMBER_OPTIONS]);
  checkInputs("map()", "inputs", inputs);
  const each: EnqueueOptions = Object.fromEntries(
    MEMBER_OPTIONS.map((name) => [name, options[name]]),
  );
  const calls = Array.isArray(inputs)
    ? inputs.map((input: Input) => call(input, each))
    : callsOf(inputs, (input) => call(input, each));
  const { ttlMs = DAY_MS + delayOf(parts, options) } = options;
  return await sendGroup<Output>(parts, calls, { ...options, ttlMs }, origin);
}

/** For how long the tasks wait at first: their group is not to be lost meanwhile. */
function delayOf(
  { wall }: QueueParts,
  { delayMs = 0, runAt }: MapOptions,
): number {
  if (runAt === undefined) return delayMs;
  return Math.max(0, Math.ceil(Number(runAt) - wall()));
}

async function* callsOf<Input>(
  inputs: Inputs<Input>,
  call: (input: Input) => Call,
): AsyncGenerator<Call, void, void> {
  for await (const input of inputs) yield call(input);
}
