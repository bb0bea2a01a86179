import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, HEADER, LINE, OPERATIONS } from "./base.ts";
import { LANES } from "./lane.ts";

/**
 * dead → ready, with all attempts again, for listed tasks that died at the listed instant: a task that died again since is left.
 * List: n, then n × (id, died ms). Reply: `#done|commands|changed`.
 */
export const REDRIVE: Script = /* @__PURE__ */ script({
  name: "redrive",
  keys: ["ready", "state", "ends", "dead", "line", "meta"],
  args: { operation: "string" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    HEADER,
    `local zready, zdue, zends, hset = {}, {}, {}, {}`,
    LINE,
    LANES,
    OPERATIONS,
    `
local before = answered(operation)
local ids, died = {}, {}
for i = 1, num() do
  ids[i] = arg()
  died[i] = num()
end
local scores, records = call("ZMSCORE", dead, unpack(ids)), read(ids)
local alive, revived = {}, {}
for i = 1, #ids do
  local record = records[i]
  if scores[i] and tonumber(scores[i]) == died[i] and record then
    if not before and sub(record, 1, 1) == "D" then
      local head, rest = match(record, "^D([^\\n]*)\\n(.*)$")
      local h = split(head)
      put(alive, ids[i], "L|" .. table.concat(h, "|", 2, 6) .. (h[10] and "|" .. h[10] .. (h[11] and "|" .. h[11] or "") or "") .. "\\n" .. sub(rest, tonumber(h[9]) + 1))
    end
    if sub(record, 1, 1) == "L" or not before and sub(record, 1, 1) == "D" then
      local lane = not before and header(record).lane or ""
      if lane == "" then put(zready, text(us + i), ids[i])
      elseif not call("HGET", state, "t:" .. ids[i]) then enter(ids[i], keyed(ids[i], lane, text(us + i))) end
      put(revived, ids[i])
    end
  end
end
if not before then
  advance()
  flush("ZADD", ends, zends)
  flush("ZADD", ready, zready)
  flush("HSET", state, hset)
  store(alive)
  remember(operation, #revived)
end
flush("ZREM", dead, revived)
flush("ZREM", line, xline)
return "#done|" .. commands .. "|" .. (before or #revived)`,
  ],
});
