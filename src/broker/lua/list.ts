import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES } from "./base.ts";

/**
 * A page of one index, from score `from` on and behind the member `after` of that score; headers and small records only, never an envelope.
 * Reply: `#done|commands|score|last` (empty: that was all; score `k` in the lanes of concurrency keys and among what is parked, which come behind what is ready), then id, `#`score, `=`header, `=`state or error.
 */
export const LIST: Script = /* @__PURE__ */ script({
  name: "list",
  keys: ["ready", "due", "lease", "state", "dead", "line"],
  args: { index: "string", from: "string", after: "string", limit: "number" },
  lua: [
    BASE,
    BODIES,
    `
local key = ({ ready = ready, scheduled = due, leased = lease, dead = dead })[index]
local ids, scores, fields, offset, more = {}, {}, {}, 0, true
while more and from ~= "k" and #ids < limit do
  local found = call("ZRANGE", key, from, "(+inf", "BYSCORE", "LIMIT", offset, limit, "WITHSCORES")
  for i = 1, #found, 2 do
    if #ids < limit and not (after ~= "" and found[i + 1] == from and found[i] <= after) then
      put(ids, found[i])
      put(scores, found[i + 1])
      put(fields, "t:" .. found[i])
    end
  end
  offset = offset + limit
  more = #found == 2 * limit
end
local last = ids[#ids] or ""
if index == "ready" and #ids < limit then
  local found = call("ZRANGE", line, from == "k" and "(" .. after or "[k:", "(n;", "BYLEX", "LIMIT", 0, limit - #ids)
  for i = 1, #found do
    local id = match(found[i], "^[^|]*|%d+|(.*)$")
    put(ids, id)
    put(scores, "k")
    put(fields, "t:" .. id)
    last = found[i]
  end
end
if #ids == 0 then return { "#done|" .. commands .. "|" } end
local records, states = read(ids), call("HMGET", state, unpack(fields))
local out = {}
for i = 1, #ids do
  local record = records[i] or ""
  local head = match(record, "^[LD]|[^\\n]*") or ""
  local extra = states[i] or ""
  if sub(head, 1, 1) == "D" then extra = sub(record, #head + 2, #head + 1 + tonumber(split(head)[9])) end
  put(out, ids[i], "#" .. scores[i], "=" .. head, "=" .. extra)
end
return { "#done|" .. commands .. "|" .. (#ids == limit and scores[#scores] .. "|" .. last or ""), unpack(out) }`,
  ],
});
