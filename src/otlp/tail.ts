import type { SpanKind, SpanStatus } from "@opentelemetry/api";
import { STATUS_ERROR } from "../core/codes.ts";
import { diag } from "../w3c/api.ts";

/** What a tail rule sees of a span that has ended. */
export interface TailSpan {
  /** Its name. */
  readonly name: string;
  /** Its kind. */
  readonly kind: SpanKind;
  /** Its status. */
  readonly status: SpanStatus;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** Whether no span of this process was its parent: a request that came in, a drain, a task. */
  readonly isLocalRoot: boolean;
  /** The value of an attribute, as it is exported; `undefined` where it has none of this key. */
  attribute(key: string): unknown;
}

/** Decides at the flush whether a trace that the sampler let go is exported all the same. */
export interface TailRule {
  /** What the exported spans have as `baton.sampled_by`. */
  readonly name: string;
  /** Whether to keep a trace, by those of its spans that are known here; what throws keeps nothing. */
  keeps(spans: readonly TailSpan[]): boolean;
}

/** Keeps the traces in which a span failed: its status is ERROR. */
export const keepFailed: TailRule = {
  name: "failed",
  keeps: (spans) => spans.some((span) => span.status.code === STATUS_ERROR),
};

/**
 * Keeps the traces of which a local root took long.
 *
 * @param ms From how many milliseconds on.
 */
export function keepSlow(ms: number): TailRule {
  return {
    name: "slow",
    keeps: (spans) =>
      spans.some((span) => span.isLocalRoot && span.durationMs >= ms),
  };
}

/** The spans of one trace in one scope that the sampler let go. */
export interface Trail {
  /** How many of them have not ended. */
  open: number;
  /** The rule that keeps them, `false` when none does, `undefined` as long as that is not decided. */
  keptBy: string | false | undefined;
}

/** Asks the rules in their order: the name of the first that keeps the spans. */
export type Judge = (spans: readonly TailSpan[]) => string | false;

/** Makes a judge, which tells of each rule once that it failed. */
export function judgeBy(rules: readonly TailRule[]): Judge {
  const sound = new Set(rules);
  return (spans) => {
    for (const rule of rules) {
      try {
        if (rule.keeps(spans)) return rule.name;
      } catch (error) {
        if (sound.delete(rule)) {
          diag.error(`Tail rule "${rule.name}" failed`, error);
        }
      }
    }
    return false;
  };
}
