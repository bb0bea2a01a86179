import { BrokerError } from "../core/error.ts";

/** Commands of one request, as the pipelines of `@upstash/redis` gather them. */
export interface UpstashPipeline {
  /** Redis command EVAL. */
  eval(script: string, keys: string[], args: string[]): unknown;
  /** Redis command EVALSHA. */
  evalsha(sha1: string, keys: string[], args: string[]): unknown;
  /** Redis command ZRANGE; only asked for by a peek, which is a step without it. */
  zrange?(
    key: string,
    min: number,
    max: number,
    options: { withScores: true },
  ): unknown;
  /** Redis command TIME; only asked for by a peek. */
  time?(): unknown;
  /** Sends them, and gives what became of each, in order. */
  exec(options: { keepErrors: true }): Promise<readonly unknown[]>;
}

/** One command of a pipeline. */
export interface PipelinedScript {
  readonly verb: "eval" | "evalsha";
  /** The source, or its hash. */
  readonly script: string;
  readonly keys: string[];
  readonly args: string[];
}

/** What became of one command. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

/** Whoever refuses one of several commands says which. */
const REFUSED_ONE = /^Command \d+ \[/;

/**
 * Sends the commands in one request, and says of each what became of it.
 *
 * @throws What the client threw: nobody can tell what became of any of them.
 */
export async function execute(
  pipeline: UpstashPipeline,
  scripts: readonly PipelinedScript[],
): Promise<readonly Outcome[]> {
  for (const { verb, script, keys, args } of scripts) {
    pipeline[verb](script, keys, args);
  }
  return await outcomes(pipeline, scripts.length);
}

/**
 * Sends what `pipeline` holds, `count` commands.
 *
 * @throws What the client threw: nobody can tell what became of any of them.
 */
export async function outcomes(
  pipeline: UpstashPipeline,
  count: number,
): Promise<readonly Outcome[]> {
  const answers = await pipeline.exec({ keepErrors: true });
  if (!Array.isArray(answers) || answers.length !== count) {
    throw new BrokerError(
      "invalid_reply",
      `The broker answered ${count} commands with ${
        Array.isArray(answers) ? answers.length : "none"
      }`,
    );
  }
  return answers.map(outcomeOf);
}

/** Whether it is the error of a client that keeps none of the answers when one command fails: older ones know no `keepErrors`. */
export function losesAnswers(error: unknown): boolean {
  return error instanceof Error && REFUSED_ONE.test(error.message);
}

/** A script answers with a list or a text; anything else says what became of it. */
function outcomeOf(answer: unknown): Outcome {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
    return { ok: true, value: answer };
  }
  const { error, result } = answer as { error?: unknown; result?: unknown };
  if (error === undefined || error === null) return { ok: true, value: result };
  return { ok: false, error: new Error(String(error)) };
}
