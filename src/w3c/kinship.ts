import type { Context } from "@opentelemetry/api";

const KIN: unique symbol = Symbol.for("@baton/queue kin");

/** A context whose root span is linked to a sampled one that it belongs to, so that both are kept, or neither. */
export function withSampledKin(context: Context): Context {
  return context.setValue(KIN, true);
}

/** Whether a root span of the context belongs to a sampled one of another trace. */
export function hasSampledKin(context: Context): boolean {
  return context.getValue(KIN) === true;
}
