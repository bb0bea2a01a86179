/**
 * Keys whose tasks are bounded: how many of them are leased, how often they are claimed, or both. Those that may be claimed are admitted: they stand in `ready` and `lease` like all others. The rest wait in `line`, in their order.
 * `k:` active|waiting|limit|next turn[|unstarted|next start µs|rate's limit|its ms|waits until ms] of a key, forgotten when it was idle for an hour. A task's `t:` has `key,limit[,rate's limit,its ms]`; the flag `a` or `l` in it says in which of them it is counted, `u` that it was admitted under a rate and not claimed since; both are written by the same command.
 *
 * Turns: who is admitted stands in `ready` at −4·10¹⁵ + its turn, which is the one after its key's last, but not before the present one: so that each turn has one task of each key. A claim takes one of them and one of no key alternately. `!turn` in `state` is the present turn, one more than the last that was claimed, and `k` if a task of a key was the last.
 *
 * Rates: the next start is the instant before which none is, the theoretical arrival time of GCRA; each claim puts it off by one interval. It lags behind the clock by no more than the rate's ms while tasks wait for it, else not at all.
 * A key that waits for time is `r:ms|key` in `line`, and `!lanes` in `due` is at −10¹³ + the earliest of these instants.
 *
 * `gather` reads keys, `leave` and `enter` count, `start` counts a claim in its key's rate, `advance` admits those for which there is room. Needs `hset`, `zready`, `zends`, `line`, `due`.
 */
export const LANES: string = `
local lanes, touched, changed, zline, xline, turn, turn_of, lanes_at = {}, {}, {}, {}, {}, false, "", false
local function set(field, value) changed[field] = value put(hset, field, value) end
local function key_of(lane) return match(lane, "^([^,]*),") end
local function terms(k, lane)
  local limit, rate, ms = match(lane, "^[^,]*,(%d+),?(%d*),?(%d*)$")
  k[3], k[7], k[8] = tonumber(limit), tonumber(rate) or 0, tonumber(ms) or 0
end
local function read_turn(stored)
  local at, of = match(stored or "", "^(%d+)|(.*)$")
  turn, turn_of = tonumber(at) or 0, of or ""
end
local function gather(wanted)
  local fields, names = {}, {}
  for i = 1, #wanted do
    local key = key_of(wanted[i])
    if key and not lanes[key] then
      lanes[key] = { 0, 0, 0, 0, 0, 0, 0, 0, 0 }
      terms(lanes[key], wanted[i])
      put(fields, "k:" .. key)
      put(names, key)
    end
  end
  if #fields == 0 then return end
  if not turn then put(fields, "!turn") end
  local found = call("HMGET", state, unpack(fields))
  if not turn then read_turn(found[#fields]) end
  for i = 1, #names do
    local k, stored = lanes[names[i]], found[i] and split(found[i])
    if stored then
      k[7] = 0
      for j = 1, #stored do k[j] = tonumber(stored[j]) end
    end
    k[6] = k[7] == 0 and us or math.max(k[6], us - (k[9] > 0 and k[8] * 1000 or 0))
  end
end
local function change(key, active, waiting)
  local k = lanes[key]
  k[1], k[2] = k[1] + active, k[2] + waiting
  if not touched[key] then
    touched[key] = true
    put(touched, key)
  end
end
local function slots(k)
  if k[7] == 0 then return 1000 end
  return us < k[6] and 0 or floor((us - k[6]) * k[7] / (k[8] * 1000)) + 1 - k[5]
end
local function later(at, ms) return math.max(math.ceil(at / 1000), now + math.max(1, math.min(50, floor(ms / 2)))) end
local function spot(v, id) return "k:" .. key_of(v[4]) .. "|" .. sortable(v[3]) .. "|" .. id end
local function leave(id, v)
  local flags = v[6] or ""
  if find(flags, "a", 1, true) then
    change(key_of(v[4]), -1, 0)
    if find(flags, "u", 1, true) then lanes[key_of(v[4])][5] = lanes[key_of(v[4])][5] - 1 end
  elseif find(flags, "l", 1, true) then
    change(key_of(v[4]), 0, -1)
    put(xline, spot(v, id))
  else return end
  v[6] = string.gsub(flags, "[alu]", "")
end
local function take_turn(k, v)
  local at = math.max(turn, k[4])
  k[4] = at + 1
  v[3], v[6] = text(at - 4e15), (v[6] or "") .. "a"
  if k[7] > 0 then
    k[5] = k[5] + 1
    v[6] = v[6] .. "u"
  end
end
local function enter(id, v)
  local k = lanes[key_of(v[4])]
  local room = k[2] == 0 and k[1] < k[3] and slots(k) > 0
  change(key_of(v[4]), room and 1 or 0, room and 0 or 1)
  if room then
    take_turn(k, v)
    put(zready, v[3], id)
  else
    v[6] = (v[6] or "") .. "l"
    put(zline, 0, spot(v, id))
  end
  set("t:" .. id, join(v))
end
local function keyed(id, lane, order)
  gather({ lane })
  change(key_of(lane), 0, 0)
  terms(lanes[key_of(lane)], lane)
  return { "0", "", order, lane }
end
local function is_rated(v) return find(v[4] or "", "^[^,]*,%d+,") or find(v[6] or "", "u", 1, true) end
local function start(v)
  local k = lanes[key_of(v[4])]
  change(key_of(v[4]), 0, 0)
  if find(v[6], "u", 1, true) then
    k[5] = k[5] - 1
    v[6] = string.gsub(v[6], "u", "")
  end
  if k[7] > 0 then k[6] = floor(k[6] + k[8] * 1000 / k[7] + 0.5) end
end
local function resting(ms, key) return "r:" .. fmt("%016.0f", ms) .. "|" .. key end
local function rest(key, k)
  local at = k[7] > 0 and k[2] > 0 and k[1] < k[3] and later(k[6] + k[5] * k[8] * 1000 / k[7], k[8]) or 0
  if at == k[9] then return end
  if k[9] > 0 then put(xline, resting(k[9], key)) end
  if at > 0 then
    local entry = resting(at, key)
    for i = #xline, 1, -1 do if xline[i] == entry then table.remove(xline, i) end end
    put(zline, 0, entry)
    if not lanes_at or lanes_at > at then
      lanes_at = at
      call("ZADD", due, "LT", text(at - 1e13), "!lanes")
    end
  end
  k[9] = at
end
local function admit_waiting(keys, offsets)
  local found, owners, fields = {}, {}, {}
  for i = 1, #keys do
    local key = keys[i]
    local k = lanes[key]
    local room = math.min(k[3] - k[1], slots(k), 1000)
    if k[2] > 0 and room > 0 then
      local page = call("ZRANGE", line, "[k:" .. key .. "|", "(k:" .. key .. "}", "BYLEX", "LIMIT", offsets[key] or 0, room)
      offsets[key] = (offsets[key] or 0) + #page
      for j = 1, #page do
        put(found, page[j])
        put(owners, key)
        put(fields, "t:" .. match(page[j], "^[^|]*|%d+|(.*)$"))
      end
    end
  end
  local states, more = {}, {}
  for i = 1, #fields, 2000 do
    local page = call("HMGET", state, unpack(fields, i, math.min(i + 1999, #fields)))
    for j = 1, #page do states[i + j - 1] = page[j] end
  end
  for i = 1, #found do
    local key, current = owners[i], changed[fields[i]] or states[i]
    local v = current and split(current) or {}
    if find(v[6] or "", "l", 1, true) and key_of(v[4] or "") == key then
      change(key, 1, -1)
      v[6] = string.gsub(v[6], "l", "")
      take_turn(lanes[key], v)
      set(fields[i], join(v))
      put(zready, v[3], sub(fields[i], 3))
    end
    put(xline, found[i])
    if more[#more] ~= key then put(more, key) end
  end
  return more
end
local function advance()
  flush("ZADD", line, zline)
  zline = {}
  local keys, offsets = touched, {}
  while #keys > 0 do keys = admit_waiting(keys, offsets) end
  for i = 1, #touched do
    local key = touched[i]
    local k = lanes[key]
    rest(key, k)
    local idle = k[1] + k[2] == 0
    if idle then
      k[4] = 0
      put(zends, text(math.max(now, floor(k[6] / 1000)) + 3600000), "k:" .. key)
    end
    local last = k[5] + k[7] + k[9] > 0 and 9 or 4
    local values = {}
    for j = 1, last do values[j] = text(k[j]) end
    put(hset, "k:" .. key, table.concat(values, "|"))
  end
  flush("ZADD", line, zline)
  zline, touched = {}, {}
end`;

/** When keys that wait for time want looking at: \`!lanes\` in \`due\`, there while any does. */
export const MARK_LANES: string = `
local function mark_lanes()
  local first = call("ZRANGE", line, "[r:", "(r;", "BYLEX", "LIMIT", 0, 1)
  local at = first[1] and tonumber(match(first[1], "^r:(%d+)"))
  if at then call("ZADD", due, text(at - 1e13), "!lanes") else call("ZREM", due, "!lanes") end
  return at or false
end`;

/** Where a task stands that is in no line yet: in its lane, if it has one. Needs `line_up`. */
export const STAND: string = `
local function stand(id, at, priority, order, lane)
  if not lane or lane == "" then return line_up(id, at, priority, order) end
  local v = keyed(id, lane, place(at > 0 and at * 1000 or order, priority))
  if at > now then
    line_up(id, at, priority, order)
    set("t:" .. id, join(v))
  else enter(id, v) end
end`;
