import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, CLOCK } from "./base.ts";
import { OPERATIONS } from "./operations.ts";

/**
 * Sets or takes away `!paused`, the first of `ready`. What counts is `paused` in `meta`, committed with the operation: a late copy finds it known, and at most finishes its own removal.
 * Reply: `#done|commands`.
 */
export const PAUSE: Script = /* @__PURE__ */ script({
  name: "pause",
  keys: ["ready", "meta"],
  args: { operation: "string", paused: "number" },
  lua: [
    BASE,
    CLOCK,
    OPERATIONS,
    `
local before = answered(operation)
if not before and paused == 1 then call("ZADD", ready, "-inf", "!paused") end
if not before then remember(now, operation, "done", "paused", paused) end
if paused == 0 and (not before or call("HGET", meta, "paused") == "0") then call("ZREM", ready, "!paused") end
return "#done|" .. commands`,
  ],
});
