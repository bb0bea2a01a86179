import { assertArrayIncludes, assertEquals, assertGreater } from "@std/assert";
import house, { floors } from "../support/house.ts";
import { hostOnly } from "../support/host_only.ts";
import { root } from "../support/offline.ts";
import { test } from "../support/suite.ts";

/** The problems that the rules find in a source, as `rule: message`. */
function problems(path: string, source: string): string[] {
  return Deno.lint.runPlugin(house, path, source)
    .map(({ id, message }) => `${id.replace("house/", "")}: ${message}`);
}

function rulesBroken(path: string, source: string): string[] {
  return [
    ...new Set(problems(path, source).map((text) => text.split(":")[0]!)),
  ];
}

function sources(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, root))].flatMap((entry) =>
    entry.isDirectory
      ? sources(`${folder}${entry.name}/`)
      : entry.name.endsWith(".ts")
      ? [`${folder}${entry.name}`]
      : []
  );
}

test("src keeps the house rules in every file", () => {
  const files = ["mod.ts", ...sources("src/")].sort();
  assertGreater(files.length, Object.keys(floors).length);
  assertEquals(
    files.flatMap((file) =>
      problems(file, Deno.readTextFileSync(new URL(file, root)))
    ),
    [],
  );
});

test("src holds one folder for each floor's name", () => {
  const folders = [...Deno.readDirSync(new URL("src/", root))]
    .filter((entry) => entry.isDirectory).map((entry) => entry.name);
  assertEquals(folders.sort(), Object.keys(floors).sort());
});

test("src holds nothing but TypeScript", () => {
  const others = (folder: string): string[] =>
    [...Deno.readDirSync(new URL(folder, root))].flatMap((entry) =>
      entry.isDirectory
        ? others(`${folder}${entry.name}/`)
        : entry.name.endsWith(".ts")
        ? []
        : [`${folder}${entry.name}`]
    );
  assertEquals(others("src/"), []);
});

test("src loads nothing but by imported(), which keeps contexts apart", () => {
  for (const file of sources("src/")) {
    const code = Deno.readTextFileSync(new URL(file, root))
      .replaceAll(/^\s*\*.*$/gm, "");
    assertEquals(
      [...code.matchAll(/(?<!typeof |imported\(\(\) =>\s*)\bimport\(/g)],
      [],
      file,
    );
  }
});

test("suites that move a clock by hand have loaded whatever src loads later", () => {
  const later = sources("src/").flatMap((file) => {
    const code = Deno.readTextFileSync(new URL(file, root))
      .replaceAll(/^\s*\*.*$/gm, "");
    return [...code.matchAll(/(?<!typeof )\bimport\("([^"]+)"\)/g)]
      .map(([, path]) => new URL(path!, new URL(file, root)).href);
  });
  const loaded = new URL("tests/support/loaded.ts", root);
  const now = [...Deno.readTextFileSync(loaded).matchAll(/^import "(.*)";$/gm)]
    .map(([, path]) => new URL(path!, loaded).href);
  assertEquals(now.sort(), [...new Set(later)].sort());
});

const bad: readonly (readonly [rule: string, path: string, source: string])[] =
  [
    // upwards, sideways, outwards
    ["imports", "src/core/task.ts", `import { a } from "../queue/queue.ts";`],
    ["imports", "src/core/task.ts", `import type { A } from "../codec/a.ts";`],
    ["imports", "src/codec/seal.ts", `import { a } from "../w3c/mod.ts";`],
    ["imports", "src/broker/memory.ts", `import { a } from "../otlp/span.ts";`],
    [
      "imports",
      "src/broker/lua/step.ts",
      `import { a } from "../../queue/a.ts";`,
    ],
    ["imports", "src/queue/drain.ts", `export { a } from "../hono/mod.ts";`],
    ["imports", "src/hono/mod.ts", `export * from "../cron/mod.ts";`],
    ["imports", "src/queue/drain.ts", `await import("../hono/mod.ts");`],
    ["imports", "src/queue/drain.ts", `await import(name);`],
    ["imports", "src/queue/drain.ts", `import { a } from "../a.ts";`],
    ["imports", "src/queue/drain.ts", `import { a } from "../../mod.ts";`],
    ["imports", "src/queue/drain.ts", `import { a } from "../attic/a.ts";`],
    ["imports", "src/queue/drain.ts", `import { a } from "./worker";`],
    ["imports", "mod.ts", `export { a } from "./tests/a.ts";`],
    // the rooms of the queue
    [
      "imports",
      "src/queue/trace/spans.ts",
      `import { a } from "../consume/a.ts";`,
    ],
    [
      "imports",
      "src/queue/workflow/map.ts",
      `import { a } from "../attempt/a.ts";`,
    ],
    ["imports", "src/queue/attic/a.ts", `import { a } from "../trace/a.ts";`],
    // what otlp must not know
    ["imports", "src/otlp/span.ts", `import { a } from "../core/task.ts";`],
    [
      "imports",
      "src/otlp/span.ts",
      `import { a } from "../codec/envelope.ts";`,
    ],
    // packages
    [
      "imports",
      "src/queue/queue.ts",
      `import { Redis } from "@upstash/redis";`,
    ],
    ["imports", "src/queue/queue.ts", `import { Hono } from "hono";`],
    ["imports", "src/queue/queue.ts", `import { a } from "npm:lodash";`],
    ["imports", "src/queue/queue.ts", `import { a } from "node:fs";`],
    ["imports", "src/queue/queue.ts", `import { a } from "@std/assert";`],
    [
      "imports",
      "src/queue/queue.ts",
      `import { a } from "https://a.example/";`,
    ],
    [
      "imports",
      "src/broker/upstash.ts",
      `import { a } from "@opentelemetry/api";`,
    ],
    [
      "imports",
      "src/core/context.ts",
      `import { a } from "@opentelemetry/api";`,
    ],
    ["imports", "mod.ts", `import type { A } from "@opentelemetry/api";`],
    // hosts
    ["portable", "src/core/id.ts", `const env = Deno.env;`],
    ["portable", "src/core/id.ts", `const { Bun } = globalThis as Host;`],
    ["portable", "src/core/id.ts", `const env = process.env;`],
    ["portable", "src/core/id.ts", `const env = globalThis.process;`],
    ["portable", "src/core/id.ts", `const fs = builtin("node:fs");`],
    // shapes
    ["plain", "src/core/id.ts", `export default 1;`],
    ["plain", "src/core/id.ts", "const a = String.raw`a`;"],
    ["plain", "src/core/id.ts", `class A extends B {}`],
    ["plain", "src/core/id.ts", `const a = new Proxy({}, {});`],
    ["plain", "src/core/id.ts", `@sealed class A {}`],
    [
      "conventional",
      "src/queue/trace/instrument.ts",
      `const a = "messaging.system";`,
    ],
    ["conventional", "src/otlp/span.ts", "const a = `messaging.${b}`;"],
    ["lua", "src/broker/lua/step.ts", "const a = `local x\n  -- why\n`;"],
    ["tidy", "src/core/id.ts", `// TODO later`],
    ["tidy", "src/core/id.ts", "\n".repeat(321)],
    ["tidy", "src/core/utils.ts", ``],
    ["tidy", "src/core/taskId.ts", ``],
    ["tidy", "src/task.ts", ``],
    ["tidy", "src/attic/task.ts", ``],
  ];

for (const [rule, path, source] of bad) {
  const shown = source.trim().split("\n")[0] || "its name or length";
  test(`house/${rule} refuses ${shown} in ${path}`, () => {
    assertArrayIncludes(rulesBroken(path, source), [rule]);
  });
}

test("the house rules let through what they should", () => {
  const good: readonly (readonly [path: string, source: string])[] = [
    ["src/queue/drain.ts", `import { a } from "../broker/broker.ts";`],
    ["src/queue/drain.ts", `import { a } from "./worker.ts";`],
    ["src/queue/drain.ts", `import { trace } from "@opentelemetry/api";`],
    ["src/core/context.ts", `import type { A } from "@opentelemetry/api";`],
    ["src/queue/consume/relay.ts", `import { a } from "../trace/spans.ts";`],
    ["src/queue/trace/facts.ts", `import type { A } from "../consume/a.ts";`],
    ["src/queue/enqueue/enqueuer.ts", `await import("../workflow/map.ts");`],
    ["src/queue/trace/facts.ts", `import type { A } from "../parts.ts";`],
    ["src/otlp/span.ts", `import { a } from "../core/clock.ts";`],
    ["src/otlp/span.ts", `import { a } from "../w3c/mod.ts";`],
    ["src/broker/lua/step.ts", `import { a } from "../keys.ts";`],
    ["src/broker/lua/step.ts", "const a = `local x = a - b`;"],
    ["src/hono/mod.ts", `import { routePath } from "hono/route";`],
    ["src/queue/trace/conventions.ts", `const a = "messaging.system";`],
    ["src/core/storage.ts", `host.process?.getBuiltinModule;`],
    ["src/queue/trace/instrument.ts", "const name = `process ${queue}`;"],
    ["src/core/error.ts", `class A extends RangeError {}`],
    ["src/core/id.ts", `// Deno.env, node:fs and messaging. in words`],
    ["mod.ts", `export { Queue } from "./src/queue/queue.ts";`],
    ["tests/a_test.ts", `import { a } from "node:fs"; Deno.exit();`],
  ];
  for (const [path, source] of good) assertEquals(problems(path, source), []);
});

test("each suite that runs on Deno only says why", () => {
  const suites = [...Deno.readDirSync(new URL("tests/host/", root))]
    .map(({ name }) => name.replace(/_test\.ts$/, ""));
  assertEquals(Object.keys(hostOnly).sort(), suites.sort());
});
