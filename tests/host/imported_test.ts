/** What is loaded when it is first called keeps nothing of who called. */
import { assertEquals } from "@std/assert";
import { bundled, root } from "../support/offline.ts";
import { test } from "../support/suite.ts";

test("imported() leaves no context behind: requests that follow the first begin in none", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", bundled(), "tests/support/contexts_program.ts"],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(text, "none\n".repeat(3), new TextDecoder().decode(stderr));
});
