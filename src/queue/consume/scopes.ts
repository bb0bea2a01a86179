import type { Context } from "@opentelemetry/api";
import type { Instrument } from "../trace/instrument.ts";
import type { QueueTelemetry } from "../trace/providers.ts";

/** The flush scopes of what is drained together: one for each telemetry, so that its spans leave in one export. */
export class Scopes {
  readonly #opened = new Map<
    QueueTelemetry,
    { readonly context: Context; readonly instrument: Instrument }
  >();

  /** The context to drain in: `outer` of whoever came first with this telemetry, with the scope that it has here. */
  open(instrument: Instrument, outer: Context): Context {
    const { telemetry } = instrument;
    let opened = this.#opened.get(telemetry);
    if (opened === undefined) {
      opened = { context: instrument.openScope(outer), instrument };
      this.#opened.set(telemetry, opened);
    }
    return opened.context;
  }

  /** How many requests that takes. */
  get signals(): number {
    return [...this.#opened.values()]
      .reduce((sum, { instrument }) => sum + instrument.signals, 0);
  }

  /** Sends what has ended in them; never rejects. */
  async flush(): Promise<void> {
    await Promise.all(
      [...this.#opened.values()].map(({ context, instrument }) =>
        instrument.flush(context)
      ),
    );
  }
}
