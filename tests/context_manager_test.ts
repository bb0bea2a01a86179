/** The current context: kept across everything that is awaited where the host can, handed on explicitly where it cannot. */
import { context as api, ROOT_CONTEXT } from "@opentelemetry/api";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { EdgeContextManager } from "../src/w3c/mod.ts";
import { row } from "./support/row.ts";
import { test } from "./support/suite.ts";

const KEY = Symbol.for("context_manager_test");

test("EdgeContextManager finds AsyncLocalStorage on every row but workerd's without Node", () => {
  const { available } = new EdgeContextManager();
  assertEquals(available, row() !== "workerd, without Node");
});

test("EdgeContextManager takes the global AsyncLocalStorage where a host has one", () => {
  const host = globalThis as { AsyncLocalStorage?: unknown };
  const before = Object.getOwnPropertyDescriptor(host, "AsyncLocalStorage");
  const context = ROOT_CONTEXT.setValue(KEY, 1);
  class Global {
    getStore = () => context;
    run = (_: unknown, call: () => unknown) => call();
  }
  host.AsyncLocalStorage = Global;
  try {
    assertStrictEquals(new EdgeContextManager().active(), context);
  } finally {
    delete host.AsyncLocalStorage;
    if (before) Object.defineProperty(host, "AsyncLocalStorage", before);
  }
});

test("EdgeContextManager keeps the context across await where the host can, else just calls", async () => {
  const manager = new EdgeContextManager();
  const run = (value: number) =>
    manager.with(
      ROOT_CONTEXT.setValue(KEY, value),
      async (factor: number) => {
        const seen: unknown[] = [manager.active().getValue(KEY)];
        await new Promise((resolve) => setTimeout(resolve, value));
        seen.push(manager.active().getValue(KEY));
        await { then: (resolve: () => void) => resolve() };
        seen.push(manager.active().getValue(KEY));
        return [value * factor, seen];
      },
      undefined,
      10,
    );
  const keeps = (value: number) => manager.available ? value : undefined;
  assertEquals(await Promise.all([run(2), run(1)]), [
    [20, [keeps(2), keeps(2), keeps(2)]],
    [10, [keeps(1), keeps(1), keeps(1)]],
  ]);
  assertStrictEquals(manager.active(), ROOT_CONTEXT);
});

test("EdgeContextManager.with() returns to the context around it, also when the call throws", () => {
  const manager = new EdgeContextManager();
  const at = (value: number) => ROOT_CONTEXT.setValue(KEY, value);
  const current = () => manager.active().getValue(KEY);
  const seen = manager.with(at(1), () => {
    const inner = manager.with(at(2), current);
    try {
      manager.with(at(3), () => {
        throw new Error("thrown");
      });
    } catch (error) {
      assert(error instanceof Error && error.message === "thrown");
    }
    return [inner, current()];
  });
  assertEquals(seen, manager.available ? [2, 1] : [undefined, undefined]);
});

test("EdgeContextManager.bind() runs functions in their context and leaves other things alone", () => {
  const manager = new EdgeContextManager();
  const thing = {};
  assertStrictEquals(manager.bind(ROOT_CONTEXT, thing), thing);
  const object = {
    factor: 2,
    times(this: { factor: number }, n: number) {
      return [this.factor * n, manager.active().getValue(KEY)];
    },
  };
  object.times = manager.bind(ROOT_CONTEXT.setValue(KEY, 7), object.times);
  assertEquals(object.times(3), [6, manager.available ? 7 : undefined]);
});

test("EdgeContextManager serves the API when it is registered", () => {
  const manager = new EdgeContextManager().enable();
  assert(api.setGlobalContextManager(manager));
  try {
    const context = ROOT_CONTEXT.setValue(KEY, 1);
    const seen = api.with(context, () => api.active().getValue(KEY));
    assertEquals(seen, manager.available ? 1 : undefined);
  } finally {
    api.disable();
  }
});
