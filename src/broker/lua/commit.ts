/** The lease marker before the commit, the commit, and what makes a new consumer's memory end. */
export const COMMIT: string = `
local newcomer = false
if #claimed > 0 and not (first_lease and first_lease <= now + lease_ms) then
  call("ZADD", due, text(now + lease_ms - 1e14), "!lease")
end
flush("ZADD", lease, zlease)
if #settles > 0 or #claimed > 0 then
  if known_till < now + 43200000 then
    newcomer = not memory
    known_till = now + 86400000
    call("ZADD", ends, text(known_till), "c:" .. consumer)
  end
  set("c:" .. consumer, text(seq) .. "\\n" .. table.concat(stale, "\\1") .. "\\n" .. table.concat(claimed, "\\1") .. "\\n" .. text(known_till))
end
flush("HSET", state, hset)`;

/** When leases want looking at: \`!lease\` in \`due\`, there exactly while a task is leased. */
export const MARK_LEASES: string = `
local function mark_leases()
  local first = call("ZRANGE", lease, 0, 0, "WITHSCORES")
  local at = first[1] and first[1] ~= "!canary" and tonumber(first[2])
  if at then call("ZADD", due, text(at - 1e14), "!lease") else call("ZREM", due, "!lease") end
  return at
end`;

/** When ended tasks want looking at: \`!sweep\` in \`due\`, there while anything is to be forgotten. */
export const ARM: string = `
local function arm()
  if not sweep_at then call("ZADD", due, text(now + 60000 - 5e13), "!sweep") end
end`;

/** Everything that a repeat or a later step may do instead. */
export const REMOVE: string = `
local again = {}
for i = 1, #claimed do again[claimed[i]] = true end
local gone = {}
for i = 1, #xlease do if not again[xlease[i]] then put(gone, xlease[i]) end end
flush("ZREM", lease, gone)
flush("HDEL", state, hdel)
flush("ZREM", ready, xready)
flush("ZREM", due, xdue)
if first_lease and first_lease <= now or #settles > 0 and #claimed == 0 then first_lease = mark_leases() end`;

/** Canaries, planted once a queue: a key without its own was evicted, or fell back to an older copy. */
export const PLANT: string = `
local function plant()
  for _, key in ipairs({ ready, due, lease, ends, dead }) do call("ZADD", key, "NX", "+inf", "!canary") end
  call("ZADD", line, "NX", 0, "!canary")
  call("HSETNX", state, "!canary", text(now))
  for _, key in pairs(bodies) do call("HSETNX", key, "!canary", text(now)) end
  call("HSET", meta, "canary", text(now))
end`;

/** Forgets what is past its time, when the marker \`!sweep\` says that something is: ended tasks, consumers, dedupe keys, the oldest of the dead. */
export const SWEEP: string = `
local sweeping = 0
local function sweep()
  local found = call("ZRANGE", ends, "-inf", text(now), "BYSCORE", "LIMIT", 0, 2000)
  local ids, fields = {}, {}
  for i = 1, #found do
    local kind = sub(found[i], 1, 2)
    if kind == "c:" or kind == "d:" then put(fields, found[i]) else put(ids, found[i]) end
  end
  local old_dead = call("ZRANGE", dead, "-inf", text(now - 15552000000), "BYSCORE", "LIMIT", 0, 500)
  if #old_dead == 0 then
    local over = call("ZCOUNT", dead, "-inf", "(+inf") - 10000
    if over > 0 then old_dead = call("ZRANGE", dead, 0, math.min(over, 500) - 1) end
  end
  for i = 1, #old_dead do put(ids, old_dead[i]) end
  forget(ids)
  flush("HDEL", state, fields)
  flush("ZREM", ends, found)
  flush("ZREM", dead, old_dead)
  if #found == 2000 or #old_dead == 500 then sweeping = 1 end
  local first = call("ZRANGE", ends, 0, 0, "WITHSCORES")
  local at = sweeping == 1 and now or first[1] and first[1] ~= "!canary" and math.max(tonumber(first[2]), now + 60000) or now + 3600000
  if at == now + 3600000 and call("ZCOUNT", dead, "-inf", "(+inf") == 0 and not (first[1] and first[1] ~= "!canary") then call("ZREM", due, "!sweep")
  else call("ZADD", due, text(at - 5e13), "!sweep") end
end`;
