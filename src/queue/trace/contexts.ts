import { type Context, diag, ROOT_CONTEXT } from "@opentelemetry/api";
import { safely } from "../../core/safely.ts";
import type { Providers } from "./providers.ts";

/** Tells an application, once, that its handlers begin traces where they should continue theirs, since nothing keeps the current context. */
export class Contexts {
  readonly #queueName: string;
  readonly #providers: Providers;
  #running = 0;
  #hasWarned = false;

  constructor(queueName: string, providers: Providers) {
    this.#queueName = queueName;
    this.#providers = providers;
  }

  /** An attempt begins. */
  enter(): void {
    this.#running++;
  }

  /** It has ended. */
  leave(): void {
    this.#running--;
  }

  /** Looks at a call that was given no context, and was made in this one. */
  check(active: Context): void {
    if (this.#hasWarned || this.#running === 0 || active !== ROOT_CONTEXT) {
      return;
    }
    if (this.#providers.keepsContext()) return;
    this.#hasWarned = true;
    safely(
      () =>
        diag.warn(
          `A task of queue '${this.#queueName}' was enqueued beside a running handler and begins a trace of its own, since nothing keeps the current context: in a handler use ctx.enqueue() or queue.within(ctx.context), or register a context manager`,
        ),
      undefined,
    );
  }
}
