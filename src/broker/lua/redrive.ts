import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, OPERATIONS } from "./base.ts";

/**
 * dead → ready, with all attempts again, for listed tasks that died at the listed instant: a task that died again since is left.
 * List: n, then n × (id, died ms). Reply: `#done|commands|changed`.
 */
export const REDRIVE: Script = /* @__PURE__ */ script({
  name: "redrive",
  keys: ["ready", "state", "dead", "meta"],
  args: { operation: "string" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    OPERATIONS,
    `
local before = answered(operation)
local ids, died = {}, {}
for i = 1, num() do
  ids[i] = arg()
  died[i] = num()
end
local scores, records = call("ZMSCORE", dead, unpack(ids)), read(ids)
local alive, zready, revived = {}, {}, {}
for i = 1, #ids do
  local record = records[i]
  if scores[i] and tonumber(scores[i]) == died[i] and record then
    if not before and sub(record, 1, 1) == "D" then
      local head, rest = match(record, "^D([^\\n]*)\\n(.*)$")
      local h = split(head)
      put(alive, ids[i], "L|" .. table.concat(h, "|", 2, 6) .. "\\n" .. sub(rest, tonumber(h[9]) + 1))
    end
    if sub(record, 1, 1) == "L" or not before and sub(record, 1, 1) == "D" then
      put(zready, text(us + i), ids[i])
      put(revived, ids[i])
    end
  end
end
if not before then
  flush("ZADD", ready, zready)
  store(alive)
  remember(operation, #revived)
end
flush("ZREM", dead, revived)
return "#done|" .. commands .. "|" .. (before or #revived)`,
  ],
});
