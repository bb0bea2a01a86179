/** What is used of `AsyncLocalStorage`. */
export interface Storage<Value> {
  run<Args extends unknown[], Result>(
    value: Value,
    callback: (...args: Args) => Result,
    ...args: Args
  ): Result;
  getStore(): Value | undefined;
}

/** What is used of its class. */
export interface StorageClass {
  new <Value>(): Storage<Value>;
  snapshot?(): <Result>(callback: () => Result) => Result;
}

interface Host {
  readonly AsyncLocalStorage?: StorageClass;
  readonly process?: {
    getBuiltinModule?(
      name: string,
    ): { readonly AsyncLocalStorage?: StorageClass } | undefined;
  };
}

/** The host's `AsyncLocalStorage`, where it offers one: looked up, never imported. */
export function storageClass(): StorageClass | undefined {
  const host = globalThis as Host;
  return host.AsyncLocalStorage ??
    host.process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage;
}
