import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, HEADER, LINE } from "./base.ts";
import { OPERATIONS } from "./operations.ts";
import { LANES } from "./lane.ts";

/**
 * dead → ready, with all attempts again, for listed tasks that died at the listed instant: a task that died again since is left, and one whose death is not committed.
 * List: n, then n × (id, died ms). Reply: `#done|commands|changed`.
 */
export const REDRIVE: Script = /* @__PURE__ */ script({
  name: "redrive",
  keys: ["ready", "due", "state", "ends", "dead", "line", "meta"],
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
local scores, records, fields = call("ZMSCORE", dead, unpack(ids)), read(ids), {}
for i = 1, #ids do fields[i] = "t:" .. ids[i] end
local states = call("HMGET", state, unpack(fields))
local alive, revived = {}, {}
for i = 1, #ids do
  local record = records[i]
  if scores[i] and tonumber(scores[i]) == died[i] and record and not (sub(record, 1, 1) == "D" and uncommitted(states[i] and split(states[i]))) then
    if not before and sub(record, 1, 1) == "D" then
      local head, rest = match(record, "^D([^\\n]*)\\n(.*)$")
      local h = split(head)
      put(alive, ids[i], "L|" .. table.concat(h, "|", 2, 6) .. (h[10] and "|" .. table.concat(h, "|", 10, math.min(#h, 11)) or "") .. "\\n" .. sub(rest, tonumber(h[9]) + 1))
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
  remember(now, operation, #revived)
end
flush("ZREM", dead, revived)
flush("ZREM", line, xline)
return "#done|" .. commands .. "|" .. (before or #revived)`,
  ],
});
