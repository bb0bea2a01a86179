import {
  isSpanContextValid,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  trace,
  TraceFlags,
} from "@opentelemetry/api";

const RANDOM_DIGITS = 13;
const RANDOM_RANGE = 16 ** RANDOM_DIGITS;

/** Samples every trace. */
export const alwaysOn: Sampler = /* @__PURE__ */ fixed(
  "AlwaysOnSampler",
  SamplingDecision.RECORD_AND_SAMPLED,
);

/** Samples no trace. */
export const alwaysOff: Sampler = /* @__PURE__ */ fixed(
  "AlwaysOffSampler",
  SamplingDecision.NOT_RECORD,
);

/**
 * Samples a share of the traces, by the randomness of their ids: every service with the same share keeps the same ones.
 *
 * @param share From 0 (none) to 1 (all).
 * @throws {RangeError} When the share is not between 0 and 1.
 */
export function ratio(share: number): Sampler {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(
      `Cannot sample a share of ${share}: expected a number from 0 to 1`,
    );
  }
  const threshold = (1 - share) * RANDOM_RANGE;
  return {
    shouldSample(_context, traceId): SamplingResult {
      const random = parseInt(traceId.slice(18, 18 + RANDOM_DIGITS), 16);
      return decided(random >= threshold);
    },
    toString: () => `TraceIdRatioBased{${share}}`,
  };
}

/**
 * Does what the parent did, so that traces stay whole.
 *
 * @param root Decides for spans without a parent.
 */
export function parentBased(root: Sampler): Sampler {
  return {
    shouldSample(context, ...rest): SamplingResult {
      const parent = trace.getSpanContext(context);
      return parent && isSpanContextValid(parent)
        ? decided((parent.traceFlags & TraceFlags.SAMPLED) !== 0)
        : root.shouldSample(context, ...rest);
    },
    toString: () => `ParentBased{root=${root}}`,
  };
}

function decided(sampled: boolean): SamplingResult {
  return {
    decision: sampled
      ? SamplingDecision.RECORD_AND_SAMPLED
      : SamplingDecision.NOT_RECORD,
  };
}

function fixed(name: string, decision: SamplingDecision): Sampler {
  return { shouldSample: () => ({ decision }), toString: () => name };
}
