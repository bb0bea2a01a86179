/** The lease marker before the commit, the commit, and what makes a new consumer's memory end. */
export const COMMIT: string = `
local newcomer = false
if wake_at and limit > 0 and #claimed + #xready + suspects == 0 then call("ZREM", due, "!wake") end
if #claimed > 0 and not (first_lease and first_lease <= now + lease_ms) then
  call("ZADD", due, text(now + lease_ms - 1e14), "!lease")
end
flush("ZADD", lease, zlease)
if #touched > 0 then
  zready, zends = {}, {}
  advance()
  flush("ZADD", ready, zready)
  flush("ZADD", ends, zends)
  local back = {}
  for i = 2, #zready, 2 do back[zready[i]] = true end
  for i = #xready, 1, -1 do if back[xready[i]] then table.remove(xready, i) end end
end
if #settles > 0 or #claimed > 0 or told then
  if known_till < now + 43200000 then
    newcomer = not memory
    known_till = now + 86400000
    call("ZADD", ends, text(known_till), "c:" .. consumer)
  end
  set("c:" .. consumer, text(seq) .. "\\n" .. table.concat(stale, "\\1") .. "\\n" .. table.concat(claimed, "\\1") .. "\\n" .. text(known_till))
end
flush("HSET", state, hset)`;

/** When leases want looking at: \`!lease\` in \`due\`, there while a task is leased; what a script that failed left of it goes with the first step after its instant. */
export const MARK_LEASES: string = `
local function mark_leases()
  local first = call("ZRANGE", lease, 0, 0, "WITHSCORES")
  local at = first[1] and first[1] ~= "!canary" and tonumber(first[2])
  if at then call("ZADD", due, text(at - 1e14), "!lease") else call("ZREM", due, "!lease") end
  return at
end`;

/** When ended tasks want looking at: \`!sweep\` in \`due\`, there while anything is to be forgotten; within an hour of what a step ends, however long others are kept, within a minute where results are counted. */
export const ARM: string = `
local function arm()
  local at = now + (sweep_at and keep_results == 0 and 3600000 or 60000)
  if not sweep_at or sweep_at > at then call("ZADD", due, text(at - 5e13), "!sweep") end
end`;

/** Everything that a repeat or a later step may do instead: what was woken, then what is gone. A void `t:` goes before its lease, or nobody would find it again. */
export const REMOVE: string = `
store(woken)
local again = {}
for i = 1, #claimed do again[claimed[i]] = true end
local gone = {}
for i = 1, #xlease do if not again[xlease[i]] then put(gone, xlease[i]) end end
flush("HDEL", state, hdel)
flush("ZREM", lease, gone)
flush("ZREM", ready, xready)
flush("ZREM", due, xdue)
flush("ZREM", line, xline)
if lanes_at and lanes_at <= now then lanes_at = mark_lanes() end
attend(#claimed > 0)
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

/** Forgets what is past its time, when the marker \`!sweep\` says that something is: ended tasks, consumers, dedupe keys, groups, the oldest of the dead. A group that is not complete is closed instead, with what it has, and forgotten later. An end that its settlement recorded but did not commit is spared, and put in line for a claim to count it. Of the results that are counted as \`f:ended|id\` in \`line\`, the oldest are dropped that are too many; their tasks stay remembered. */
export const SWEEP: string = `
local sweeping, risen, sweep = 0, false
do
local function close(names)
  local values, records, places, left, spent = call("HMGET", state, unpack(names)), {}, {}, {}, {}
  hset, zends = {}, {}
  for i = 1, #names do
    local key = sub(names[i], 1, 2) == "k:"
    local g = not key and group_of(values[i])
    if key and match(values[i] or "0|0|", "^0|0|") then
      call("ZREMRANGEBYLEX", line, "[" .. names[i] .. "|", "(" .. names[i] .. "}")
      put(left, names[i])
    elseif key then put(spent, names[i])
    elseif g and not find(g[6], "f", 1, true) then
      g[6] = g[6] .. "l"
      follow(sub(names[i], 3), g, us + i, "", records, places)
      risen = true
    elseif g then
      if g.callback ~= "" then wake(g.callback, us + i, "", records, places) end
      put(zends, g[9], names[i])
    else put(left, names[i]) end
  end
  flush("ZADD", ready, places)
  flush("HSET", state, hset)
  store(records)
  flush("ZADD", ends, zends)
  flush("HDEL", state, left)
  flush("ZREM", ends, left)
  flush("ZREM", ends, spent)
end
local function keep_newest()
  if keep_results == 0 or lean == 1 then return end
  local over = call("ZLEXCOUNT", line, "[f:", "(f;") - keep_results
  if over <= 0 then return end
  local old, ids, bare = call("ZRANGE", line, "[f:", "(f;", "BYLEX", "LIMIT", 0, math.min(over, 1000)), {}, {}
  for i = 1, #old do ids[i] = match(old[i], "|(.*)$") end
  local records = read(ids)
  for i = 1, #ids do
    local at, rest = match(records[i] or "", "^C|(%d+)(|%d+|%d+|)%d+\\n")
    if at and tonumber(at) == tonumber(match(old[i], "%d+")) then put(bare, ids[i], "C|" .. at .. rest .. "0\\n") end
  end
  store(bare)
  flush("ZREM", line, old)
  if over > 1000 then sweeping = 1 end
end
local function spare(tasks, ids, past)
  if #tasks == 0 then return end
  local fields, places, later = {}, {}, {}
  for i = 1, #tasks do fields[i] = "t:" .. tasks[i] end
  local states = call("HMGET", state, unpack(fields))
  for i = 1, #tasks do
    local v = states[i] and split(states[i])
    if not uncommitted(v) then
      put(ids, tasks[i])
      put(past, tasks[i])
    else
      if v[2] == "" then put(places, text(tonumber(v[3]) or us), tasks[i]) end
      put(later, text(now + 3600000), tasks[i])
    end
  end
  flush("ZADD", ready, places, "NX")
  flush("ZADD", ends, later)
end
function sweep()
  local found = call("ZRANGE", ends, "-inf", text(now), "BYSCORE", "LIMIT", 0, 2000)
  local ids, fields, past, closing, tasks = {}, {}, {}, {}, {}
  for i = 1, #found do
    local kind = sub(found[i], 1, 2)
    if kind == "g:" or kind == "k:" then put(closing, found[i])
    elseif kind == "c:" or kind == "d:" then
      put(fields, found[i])
      put(past, found[i])
    else put(tasks, found[i]) end
  end
  spare(tasks, ids, past)
  local old_dead = call("ZRANGE", dead, "-inf", text(now - 15552000000), "BYSCORE", "LIMIT", 0, 500)
  if #old_dead == 0 then
    local over = call("ZCOUNT", dead, "-inf", "(+inf") - 10000
    if over > 0 then old_dead = call("ZRANGE", dead, 0, math.min(over, 500) - 1) end
  end
  for i = 1, #old_dead do put(ids, old_dead[i]) end
  forget(ids)
  flush("HDEL", state, fields)
  flush("ZREM", ends, past)
  flush("ZREM", dead, old_dead)
  if #closing > 0 then close(closing) end
  keep_newest()
  if #found == 2000 or #old_dead == 500 then sweeping = 1 end
  local first = call("ZRANGE", ends, 0, 0, "WITHSCORES")
  local at = sweeping == 1 and now or first[1] and first[1] ~= "!canary" and math.max(tonumber(first[2]), now + 60000) or now + 3600000
  if at == now + 3600000 and call("ZCOUNT", dead, "-inf", "(+inf") == 0 and not (first[1] and first[1] ~= "!canary") then call("ZREM", due, "!sweep")
  else call("ZADD", due, text(at - 5e13), "!sweep") end
end
end`;
