import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK } from "./base.ts";
import { OPERATIONS } from "./operations.ts";

/** completed, dead, cancelled, expired → forgotten, for listed tasks; the state of a complete group too. List: n, then n × id. Reply: `#done|commands`. */
export const FORGET: Script = /* @__PURE__ */ script({
  name: "forget",
  keys: ["state", "ends", "dead", "meta"],
  args: { operation: "string", group: "string" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    OPERATIONS,
    `
if not answered(operation) then
  local ids, gone, fields = {}, {}, {}
  for i = 1, num() do ids[i] = arg() end
  local records = read(ids)
  for i = 1, #ids do
    if not records[i] or match(records[i], "^[CXED]|%d") then put(gone, ids[i]) end
  end
  forget(gone)
  flush("ZREM", dead, gone)
  local g = group ~= "" and call("HGET", state, "g:" .. group)
  if group ~= "" and (not g or find(split(g)[6], "f", 1, true)) then
    call("HDEL", state, "g:" .. group)
    put(gone, "g:" .. group)
  end
  flush("ZREM", ends, gone)
  remember(now, operation, "done")
end
return "#done|" .. commands`,
  ],
});
