import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES } from "./base.ts";

/**
 * A page of one index, by score from `from` on, past the first `skip` of that score; headers and small records only, never an envelope.
 * Reply: `#done|commands|score|skip` (empty score: that was all), then id, `#`score, `=`header, `=`state or error.
 */
export const LIST: Script = /* @__PURE__ */ script({
  name: "list",
  keys: ["ready", "due", "lease", "state", "dead"],
  args: { index: "string", from: "string", skip: "number", limit: "number" },
  lua: [
    BASE,
    BODIES,
    `
local key = ({ ready = ready, scheduled = due, leased = lease, dead = dead })[index]
local found = call("ZRANGE", key, from, "(+inf", "BYSCORE", "LIMIT", skip, limit, "WITHSCORES")
local ids, scores, fields = {}, {}, {}
for i = 1, #found, 2 do put(ids, found[i]) put(scores, found[i + 1]) put(fields, "t:" .. found[i]) end
if #ids == 0 then return { "#done|" .. commands .. "||" } end
local records, states = read(ids), call("HMGET", state, unpack(fields))
local out = {}
for i = 1, #ids do
  local record = records[i] or ""
  local head = match(record, "^[LD]|[^\\n]*") or ""
  local extra = states[i] or ""
  if sub(head, 1, 1) == "D" then extra = sub(record, #head + 2, #head + 1 + tonumber(split(head)[9])) end
  put(out, ids[i], "#" .. scores[i], "=" .. head, "=" .. extra)
end
local last = scores[#scores]
local same = 0
for i = 1, #scores do if scores[i] == last then same = same + 1 end end
if last == from then same = same + skip end
local more = #ids == limit
return { "#done|" .. commands .. "|" .. (more and last or "") .. "|" .. text(same), unpack(out) }`,
  ],
});
