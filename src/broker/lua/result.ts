import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, FORGETTABLE } from "./base.ts";

/**
 * Where tasks stand, up to so many bytes, but one at least. List: n, then n × id.
 * Reply: `#done|commands`, then n × `#missing`, `#ended`, or `#waiting|leased|scheduled|ready` and `|due ms`; `=` an ended record's header, or a live one's state; `=` the result or error, `-` without.
 */
export const RESULT: Script = /* @__PURE__ */ script({
  name: "result",
  keys: ["due", "state"],
  args: { max_bytes: "number" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    FORGETTABLE,
    `
local n, out, bytes = num(), {}, 0
local function answer(word, head, payload)
  put(out, "#" .. word, "=" .. head, payload and "=" .. payload or "-")
  bytes = bytes + #head + (payload and #payload or 0)
end
while n > 0 do
  local ids, live, fields = {}, {}, {}
  for i = 1, math.min(n, 100) do ids[i] = arg() end
  n = n - #ids
  local records = read(ids)
  for i = 1, #ids do
    if records[i] and not match(records[i], "^[CXED]|%d") then
      put(live, ids[i])
      put(fields, "t:" .. ids[i])
    end
  end
  local states = #live > 0 and call("HMGET", state, unpack(fields))
  local scores = #live > 0 and call("ZMSCORE", due, unpack(live))
  local place = 0
  for i = 1, #ids do
    local record = records[i]
    if not record or forgettable(record) then answer("missing", "")
    elseif match(record, "^[CXED]|%d") then
      local head, payload = match(record, "^([^\\n]*)\\n(.*)$")
      local h = split(head)
      if h[1] == "D" then payload = sub(payload, 1, tonumber(h[9]))
      elseif tonumber(h[5]) <= now then payload = nil end
      answer("ended", head, payload)
    else
      place = place + 1
      local current, at = states[place], scores[place]
      local v = current and split(current)
      if v and v[1] == "!" then v = nil end
      local leased = v and v[2] ~= ""
      local word = sub(record, 1, 2) == "W|" and "waiting" or leased and "leased" or at and "scheduled" or "ready"
      answer(word .. "|" .. (word == "scheduled" and text(floor(tonumber(at))) or ""), v and current or "")
    end
    if bytes > max_bytes and #out > 3 then
      for _ = 1, 3 do out[#out] = nil end
      n = 0
      break
    end
  end
end
return { "#done|" .. commands, unpack(out) }`,
  ],
});
