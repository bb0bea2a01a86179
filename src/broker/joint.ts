import { type ConvoyCall, ride } from "./convoy.ts";
import { patiently } from "./patience.ts";
import {
  execute,
  losesAnswers,
  type Outcome,
  outcomes,
  type PipelinedScript,
  type UpstashPipeline,
} from "./pipeline.ts";
import { type Ran, scriptOf, type ScriptRunner, type Verb } from "./runner.ts";
import type { ScriptCall } from "./script.ts";

/** Runs calls in as few requests as they fit in; each promise settles by itself. */
export function runTogether(
  runner: ScriptRunner,
  calls: readonly ConvoyCall[],
): readonly Promise<Ran>[] {
  const { pipeline } = runner.client;
  if (typeof pipeline !== "function" || calls.length === 1) {
    return calls.map(({ call }) => runner.run(call));
  }
  return ride(calls, runner.patience, (some) => sendTogether(runner, some));
}

/** Runs the plain commands that `fill` puts into a pipeline, in one request; undefined where the client has none that takes them. */
export async function runPlain(
  runner: ScriptRunner,
  verb: string,
  fill: (pipeline: UpstashPipeline) => number,
): Promise<
  | { readonly values: readonly unknown[]; readonly requests: number }
  | undefined
> {
  const make = () => runner.client.pipeline?.();
  const probe = make();
  if (probe?.zrange === undefined || probe.time === undefined) {
    return undefined;
  }
  const { value, requests } = await patiently(
    verb,
    runner.patience,
    async () => {
      const pipeline = make()!;
      const count = fill(pipeline);
      return (await outcomes(pipeline, count)).map(valueOf);
    },
  );
  return { values: value, requests };
}

/** Sends all of them: where the server says for some how to send them, those go again. Never rejects. */
async function sendTogether(
  runner: ScriptRunner,
  calls: readonly ScriptCall[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  try {
    const timed = await Promise.all(calls.map((call) => runner.timed(call)));
    let left = [...calls.keys()];
    for (let verb: Verb = "evalsha"; left.length > 0; verb = "eval") {
      const flag = runner.flag;
      const brought = await exec(
        runner,
        await Promise.all(left.map((i) => scriptOf(timed[i]!, verb, flag))),
      );
      left.forEach((i, at) => void (outcomes[i] = brought[at]!));
      left = left.filter((i) => {
        const outcome = outcomes[i]!;
        return !outcome.ok && runner.isToldHow(outcome.error, verb, flag);
      });
    }
  } catch (error) {
    return calls.map((_, i) =>
      outcomes[i]?.ok ? outcomes[i] : { ok: false, error }
    );
  }
  return outcomes;
}

async function exec(
  runner: ScriptRunner,
  scripts: readonly PipelinedScript[],
): Promise<readonly Outcome[]> {
  try {
    return await execute(runner.client.pipeline!(), scripts);
  } catch (error) {
    if (!losesAnswers(error)) throw error;
  }
  return await Promise.all(scripts.map(async (script) => {
    try {
      return { ok: true, value: await runner.sendOne(script) };
    } catch (error) {
      return { ok: false, error };
    }
  }));
}

function valueOf(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.value;
  throw outcome.error;
}
