import type { Context, ContextManager } from "@opentelemetry/api";
import { type Storage, storageClass } from "../core/storage.ts";
import { ROOT_CONTEXT } from "./api.ts";

/**
 * Keeps the current context across `await`, by the host's `AsyncLocalStorage` where it offers one.
 *
 * It is looked for at first use and never imported: on a host without it {@link EdgeContextManager.active} is always
 * the root context, {@link EdgeContextManager.with} just calls, and contexts are handed on explicitly.
 */
export class EdgeContextManager implements ContextManager {
  #storage: Storage<Context> | undefined;

  /** Whether the host has `AsyncLocalStorage`, so that contexts follow the code. */
  get available(): boolean {
    return this.#store() !== undefined;
  }

  /** The current context; the root context outside of {@link EdgeContextManager.with}. */
  active(): Context {
    return this.#store()?.getStore() ?? ROOT_CONTEXT;
  }

  /** Calls `callback` with `context` as the current one, also in all that it awaits, and returns what it returns. */
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    callback: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const call = thisArg === undefined ? callback : callback.bind(thisArg);
    const storage = this.#store();
    return storage ? storage.run(context, call, ...args) : call(...args);
  }

  /** Returns `target`, when it is a function one that runs with `context` as the current one. */
  bind<T>(context: Context, target: T): T {
    if (typeof target !== "function") return target;
    const run = this.with.bind(this, context, target as () => unknown);
    return function (this: unknown, ...args: []): unknown {
      return run(this, ...args);
    } as T;
  }

  /** Does nothing: the look-up is made at first use. */
  enable(): this {
    return this;
  }

  /** Does nothing: contexts end with the calls that set them. */
  disable(): this {
    return this;
  }

  #store(): Storage<Context> | undefined {
    return this.#storage ??= newStorage();
  }
}

function newStorage(): Storage<Context> | undefined {
  const Found = storageClass();
  return Found && new Found();
}
