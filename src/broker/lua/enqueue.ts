import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { ADMIT } from "./admit.ts";
import { BASE, BODIES, CLOCK, FORGETTABLE, LINE } from "./base.ts";

/**
 * Nothing → ready or due. One task costs 4 commands: EVALSHA, TIME, HSETNX, ZADD.
 *
 * List: n, then n × (id, name, envelope, now|after|at, ms, priority, dedupe, dedupe ttl).
 * Reply: `#done|commands` or `#full|commands|waiting`, then an answer for each task.
 * Commit: the index, written last; a record without one is indexed by the repeat.
 */
export const ENQUEUE: Script = /* @__PURE__ */ script({
  name: "enqueue",
  keys: ["ready", "due", "lease", "state", "ends"],
  args: { backlog: "number", ready_only: "number" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    FORGETTABLE,
    `local zready, zdue, zends, hset = {}, {}, {}, {}`,
    LINE,
    ADMIT,
    `
local n = num()
local tasks, ids = {}, {}
for i = 1, n do
  tasks[i] = new_task()
  ids[i] = tasks[i].id
  if tasks[i].dedupe ~= "" then put(dedupes, tasks[i].dedupe) end
end
if backlog > 0 then
  local waiting = call("ZCOUNT", ready, "(-inf", "(+inf")
  if ready_only == 0 then waiting = waiting + call("ZCOUNT", due, 0, "(+inf") end
  if waiting + n > backlog then
    local known = read(ids)
    for i = 1, n do
      if not known[i] or forgettable(known[i]) then return { "#full|" .. commands .. "|" .. waiting } end
    end
  end
end
if #dedupes > 0 then
  local fields = {}
  for i = 1, #dedupes do fields[i] = "d:" .. dedupes[i] end
  local found = call("HMGET", state, unpack(fields))
  for i = 1, #dedupes do holders[dedupes[i]] = found[i] end
end
local known = n > 1 and read(ids) or {}
local answers = {}
for i = 1, n do answers[i] = admit(tasks[i], us + i, known[i]) end
store(fresh)
if #zends > 0 then call("ZADD", due, "NX", text(now + 60000 - 5e13), "!sweep") end
flush("ZADD", ends, zends)
flush("HSET", state, hset)
flush("ZADD", due, zdue)
flush("ZADD", ready, zready, "NX")
return { "#done|" .. commands, unpack(answers) }`,
  ],
});
