import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { bundled } from "../support/offline.ts";
import { run } from "../support/process.ts";
import {
  bundleForWorkerd,
  onBun,
  onDeno,
  onWorkerd,
  type Progress,
  type Result,
} from "../support/rows.ts";
import { test } from "../support/suite.ts";

const unwatched: Progress = { file() {}, test() {}, line() {} };

const deno = (program: string) => ["eval", program];

test("run() hands on both outputs and the exit code", async () => {
  const lines: string[] = [];
  const { code, stalled } = await run(
    Deno.execPath(),
    deno("console.log('a\\nb'); console.error('c'); Deno.exit(3)"),
    { onLine: (line) => lines.push(line) },
  );
  assertEquals([code, stalled], [3, false]);
  assertEquals(lines.sort(), ["a", "b", "c"]);
});

test("run() ends a program that falls silent", async () => {
  const { stalled, text } = await run(
    "sh",
    ["-c", "echo last words; exec sleep 60"],
    { silenceMs: 2_000 },
  );
  assertEquals([stalled, text], [true, "last words"]);
});

test("run() does not wait for what the program left behind, and ends it", async () => {
  const began = performance.now();
  const { code, text } = await run("sh", ["-c", "(sleep 60; echo late) &"]);
  assertEquals([code, text], [0, ""]);
  assertLess(performance.now() - began, 30_000);
});

const sample = (name: string): string => `tests/support/sample/${name}.ts`;

type OnRuntime = (files: readonly string[]) => Promise<Result>;

const runtimes: Readonly<Record<string, OnRuntime>> = {
  onDeno: (files) => onDeno(files, [bundled()], unwatched),
  onBun: (files) => onBun(files, unwatched),
  onWorkerd: async (files) => {
    await bundleForWorkerd(files);
    return await onWorkerd("without-node", unwatched);
  },
};

for (const [name, onRuntime] of Object.entries(runtimes)) {
  test(`${name}() counts what passes and what fails, and shows why`, async () => {
    const good = await onRuntime([sample("passing")]);
    assertEquals(good, { passed: 1, failed: 0, report: "" });
    const { passed, failed, report } = await onRuntime([
      sample("failing"),
    ]);
    assertEquals({ passed, failed }, { passed: 1, failed: 1 });
    assertStringIncludes(report, "as it should");
    assertStringIncludes(report, "bad() fails");
  });

  test(`${name}() counts a suite that cannot be loaded as failed`, async () => {
    const { failed, report } = await onRuntime([sample("broken")]);
    assertEquals(failed, 1);
    assertStringIncludes(report, "while loading");
  });
}
