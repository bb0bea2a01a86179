/** What a task leaves behind is garbage at once: V8 copies what is not, time and again, at the cost of the next tasks. */
import { assert } from "@std/assert";
import { bundled, root } from "../support/offline.ts";
import { test } from "../support/suite.ts";

/** Of about 10 kB that running a task takes. */
const MOST_BYTES = { untraced: 3_000, traced: 4_500 };

test("drain() leaves little of a task to a full collection, untraced and traced", async () => {
  // a small young generation, so that it is collected while tasks run
  const flags = "--v8-flags=--expose-gc,--max-semi-space-size=1";
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", flags, bundled(), "tests/support/retained_program.ts"],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text !== "", new TextDecoder().decode(stderr));
  const { untraced, traced } = JSON.parse(text);
  assert(untraced < MOST_BYTES.untraced, `untraced: ${untraced} bytes a task`);
  assert(traced < MOST_BYTES.traced, `traced: ${traced} bytes a task`);
});
