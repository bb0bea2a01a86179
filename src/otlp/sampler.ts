import type {
  Context,
  Sampler,
  SamplingDecision,
  SamplingResult,
  Span,
  SpanContext,
} from "@opentelemetry/api";
import { NOT_RECORD, RECORD_AND_SAMPLED, SAMPLED } from "../core/codes.ts";
import { EdgeSpan } from "./span.ts";
import { hasSampledKin } from "../w3c/kinship.ts";
import { trace } from "../w3c/api.ts";
import { RANDOM_DIGITS, RANDOM_FROM } from "./bounds.ts";
import { isValid } from "./ids.ts";
import { nonNegative } from "./options.ts";

/** Samples every trace. */
export const alwaysOn: Sampler = /* @__PURE__ */ fixed(
  "AlwaysOnSampler",
  RECORD_AND_SAMPLED,
);

/** Samples no trace. */
export const alwaysOff: Sampler = /* @__PURE__ */ fixed(
  "AlwaysOffSampler",
  NOT_RECORD,
);

/**
 * Samples a share of the traces, by the randomness of their ids: every service with the same share keeps the same ones.
 *
 * @param share From 0 (none) to 1 (all).
 * @throws {RangeError} When the share is not between 0 and 1.
 */
export function ratio(share: number): Sampler {
  const kept = nonNegative({ share }, "share", 1, 1);
  const threshold = (1 - kept) * 16 ** RANDOM_DIGITS;
  return {
    shouldSample(...call): SamplingResult {
      const random = parseInt(
        call[1].slice(RANDOM_FROM, RANDOM_FROM + RANDOM_DIGITS),
        16,
      );
      return (random >= threshold ? alwaysOn : alwaysOff).shouldSample(...call);
    },
    toString: () => `TraceIdRatioBased{${share}}`,
  };
}

/** Who decides for a span that has a parent, where that is not to be as the parent was. */
export interface ParentBranches {
  /** For a sampled parent of another process. @default {alwaysOn} */
  readonly remoteSampled?: Sampler;
  /** For an unsampled parent of another process. @default {alwaysOff} */
  readonly remoteNotSampled?: Sampler;
  /** For a sampled parent of this process. @default {alwaysOn} */
  readonly localSampled?: Sampler;
  /** For an unsampled parent of this process. @default {alwaysOff} */
  readonly localNotSampled?: Sampler;
}

/**
 * Does what the parent did, so that traces stay whole.
 *
 * @param root Decides for spans without a parent.
 * @param branches Decide instead of the parent.
 */
export function parentBased(
  root: Sampler,
  branches: ParentBranches = {},
): Sampler {
  const all = {
    root,
    remoteSampled: alwaysOn,
    remoteNotSampled: alwaysOff,
    localSampled: alwaysOn,
    localNotSampled: alwaysOff,
    ...branches,
  };
  const samplerOf = (context: Context, traceId: string): Sampler => {
    const parent = trace.getSpanContext(context);
    // who has no valid one begins a trace with an id of its own
    if (parent?.traceId !== traceId) {
      return hasSampledKin(context) ? all.remoteSampled : root;
    }
    const isSampled = parent.traceFlags & SAMPLED;
    return parent.isRemote
      ? isSampled ? all.remoteSampled : all.remoteNotSampled
      : isSampled
      ? all.localSampled
      : all.localNotSampled;
  };
  return {
    // one by one, for hosts take long to gather and to spread them
    shouldSample: (context, traceId, name, kind, attributes, links) =>
      samplerOf(context, traceId)
        .shouldSample(context, traceId, name, kind, attributes, links),
    toString: () =>
      `ParentBased{${
        Object.entries(all).map((branch) => branch.join("=")).join(", ")
      }}`,
  };
}

/** The context of a span that can be a parent. */
export function validParent(span: Span | undefined): SpanContext | undefined {
  const parent = span?.spanContext();
  if (span instanceof EdgeSpan) return parent;
  return parent && isValid(parent) ? parent : undefined;
}

function fixed(name: string, decision: SamplingDecision): Sampler {
  const result: SamplingResult = { decision };
  return { shouldSample: () => result, toString: () => name };
}
