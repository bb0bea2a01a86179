/**
 * One `test()` for every runtime: Deno's own, Bun's own, else a list that the
 * host runs (workerd).
 *
 * @module
 */

/** What a test does; it fails by throwing. */
export type Body = () => void | Promise<void>;

/** A test that waits for a host. */
export interface Declared {
  readonly name: string;
  readonly body: Body;
}

/** Declares a test, named "symbol() does X when Y". */
export type Declare = (name: string, body: Body) => void;

/** What a runtime without a runner of its own has to run. */
export const declared: Declared[] = [];

const host = globalThis as {
  Deno?: { test: Declare };
  Bun?: {
    jest(path: string): { test: Declare };
    fileURLToPath(url: string): string;
  };
};

/** Declares a test. */
export const test: Declare = host.Deno?.test ??
  host.Bun?.jest(host.Bun.fileURLToPath(import.meta.url)).test ??
  ((name, body) => void declared.push({ name, body }));
