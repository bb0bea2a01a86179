import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { ADMIT } from "./admit.ts";
import { BASE, BODIES, CLOCK, FORGETTABLE, HEADER, LINE } from "./base.ts";
import { GROUPS } from "./group.ts";
import { LANES, STAND } from "./lane.ts";
import { RING, RINGING } from "./wake.ts";

/**
 * Nothing → ready or due. One task costs 4 commands: EVALSHA, TIME, HSETNX, ZADD.
 *
 * List: n, then n × (id, name, envelope, now|after|at, ms, priority, dedupe, dedupe ttl, flags, key and limit); the group or nothing, and of a group: ttl, seal or −1, seal ms, idle ms, 0 or 1 callback.
 * Reply: `#done|commands|mark of the ring to make` or `#full|commands|waiting`, then an answer for each task.
 * Commit: the index; a record without one is indexed by the repeat. What keeps others waiting comes behind it, dedupe keys and places in lanes, or a task in no line would keep them for nothing: a claim enters a task of a key in its lane that is in none. Of a group it is what \`state\` says, which a callback that it releases is live behind; its place comes before, as in a settlement, or with the index where the group is new.
 */
export const ENQUEUE: Script = /* @__PURE__ */ script({
  name: "enqueue",
  keys: ["ready", "due", "lease", "state", "ends", "line"],
  args: { backlog: "number", ready_only: "number", rings: "number" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    FORGETTABLE,
    `local zready, zdue, zends, hset = {}, {}, {}, {}`,
    HEADER,
    LINE,
    LANES,
    STAND,
    ADMIT,
    GROUPS,
    RINGING,
    `
local n = num()
local tasks, ids, shared = {}, {}, {}
for i = 1, n do
  tasks[i] = new_task()
  ids[i], shared[i] = tasks[i].id, tasks[i].lane
  if tasks[i].dedupe ~= "" then put(dedupes, tasks[i].dedupe) end
end
local group = arg()
local ttl, seal, seal_ms, idle_ms, callback
if group ~= "" then
  ttl, seal, seal_ms, idle_ms = arg(), arg(), arg(), arg()
  callback = num() > 0 and new_task()
end
local g
if #dedupes > 0 or group ~= "" then
  local fields = {}
  for i = 1, #dedupes do fields[i] = "d:" .. dedupes[i] end
  if group ~= "" then put(fields, "g:" .. group) end
  local found = call("HMGET", state, unpack(fields))
  for i = 1, #dedupes do holders[dedupes[i]] = found[i] end
  g = group ~= "" and group_of(found[#fields])
end
if backlog > 0 then
  local waiting = call("ZCOUNT", ready, "(-inf", "(+inf")
  if ready_only == 0 then waiting = waiting + call("ZCOUNT", due, 0, "(+inf") + call("ZLEXCOUNT", line, "[k:", "(n;") end
  if waiting + n > backlog then
    local known = read(ids)
    for i = 1, n do
      local adds = not known[i] or forgettable(known[i])
      if adds and (held(tasks[i]) or ids[i]) == ids[i] then return { "#full|" .. commands .. "|" .. waiting } end
    end
  end
end
local known = n > 1 and read(ids) or {}
gather(shared)
local answers = {}
for i = 1, n do answers[i] = admit(tasks[i], us + i, known[i]) end
store(fresh)
local woken, begun, members = {}, g, { hset, zends }
local function commit()
  if #zends > 0 then call("ZADD", due, "NX", text(now + 60000 - 5e13), "!sweep") end
  flush("ZADD", ends, zends)
  flush("HSET", state, hset)
  store(woken)
  hset, zends, woken = members[1], members[2], {}
end
if group ~= "" then
  if not begun then hset, zends = {}, {} end
  g = g or { "-1", "0", "0", "0", "0", "", ttl, seal_ms, "0", idle_ms, callback = "" }
  local closed = find(g[6], "f", 1, true)
  local news = not closed
  if seal ~= "-1" and g[1] == "-1" then
    g[1] = seal
    news = true
  end
  if callback and g.callback == "" then
    local id = callback.id
    local before = call("HGET", body(id), id)
    if before and forgettable(before) then
      call("ZREM", ends, id)
      before = false
    end
    if not before then call("HSET", body(id), id, "W|" .. text(us) .. "||" .. callback.priority .. "|" .. callback.name .. "||" .. callback.flags .. "|" .. group .. "\\n" .. callback.envelope) end
    g.callback = id
    news = true
  end
  local roused = begun and {} or zready
  if closed and (seal ~= "-1" and g.callback ~= "" or callback and callback.id == g.callback) then wake(g.callback, us + n + 1, "", woken, roused) end
  if news then follow(group, g, us + n + 1, "", woken, roused) end
  prompt.known, prompt.new = prompt.known or closed, prompt.new or #woken > 0
  if begun then flush("ZADD", ready, roused) else commit() end
end
local places = zready
zready = {}
advance()
flush("ZADD", ready, zready)
flush("ZADD", due, zdue)
flush("ZADD", ready, places, "NX")
commit()
flush("ZREM", line, xline)`,
    RING,
    `
return { "#done|" .. commands .. "|" .. rung, unpack(answers) }`,
  ],
});
