/**
 * Concurrency keys. Of a key's tasks, at most `limit` are admitted: they stand in `ready` and `lease` like all others. The rest wait in `line`, in their order.
 * `k:` active|waiting|limit of a key, forgotten when it was idle for an hour. A task's `t:` has `key,limit`; the flag `a` or `l` in it says in which of them it is counted, and both are written by the same command.
 * `gather` reads keys, `leave` and `enter` count, `advance` admits those for which there is room, each behind what stands in line. Needs `hset`, `zready`, `zends`, `line`.
 */
export const LANES: string = `
local lanes, touched, changed, zline, xline, admitted = {}, {}, {}, {}, {}, 0
local function set(field, value) changed[field] = value put(hset, field, value) end
local function key_of(lane) return match(lane, "^(.*),%d+$") end
local function gather(wanted)
  local fields, names = {}, {}
  for i = 1, #wanted do
    local key, limit = match(wanted[i], "^(.*),(%d+)$")
    if key and not lanes[key] then
      lanes[key] = { 0, 0, tonumber(limit) }
      put(fields, "k:" .. key)
      put(names, key)
    end
  end
  if #fields == 0 then return end
  local found = call("HMGET", state, unpack(fields))
  for i = 1, #names do
    local k = found[i] and split(found[i])
    if k then lanes[names[i]] = { tonumber(k[1]), tonumber(k[2]), tonumber(k[3]) } end
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
local function spot(v, id) return "k:" .. key_of(v[4]) .. "|" .. fmt("%016.0f", tonumber(v[3])) .. "|" .. id end
local function leave(id, v)
  if find(v[6] or "", "a", 1, true) then change(key_of(v[4]), -1, 0)
  elseif find(v[6] or "", "l", 1, true) then
    change(key_of(v[4]), 0, -1)
    put(xline, spot(v, id))
  else return end
  v[6] = string.gsub(v[6], "[al]", "")
end
local function enter(id, v)
  local k = lanes[key_of(v[4])]
  local room = k[2] == 0 and k[1] < k[3]
  change(key_of(v[4]), room and 1 or 0, room and 0 or 1)
  v[6] = (v[6] or "") .. (room and "a" or "l")
  if room then put(zready, v[3], id) else put(zline, 0, spot(v, id)) end
  set("t:" .. id, join(v))
end
local function keyed(id, lane, order)
  gather({ lane })
  change(key_of(lane), 0, 0)
  lanes[key_of(lane)][3] = tonumber(match(lane, "%d+$"))
  return { "0", "", order, lane }
end
local function advance()
  flush("ZADD", line, zline)
  for i = 1, #touched do
    local key = touched[i]
    local k, offset = lanes[key], 0
    while k[2] > 0 and k[1] < k[3] do
      local found = call("ZRANGE", line, "[k:" .. key .. "|", "(k:" .. key .. "}", "BYLEX", "LIMIT", offset, math.min(k[3] - k[1], 1000))
      if #found == 0 then break end
      offset = offset + #found
      local ids, fields = {}, {}
      for j = 1, #found do
        ids[j] = match(found[j], "^[^|]*|%d+|(.*)$")
        fields[j] = "t:" .. ids[j]
      end
      local states = call("HMGET", state, unpack(fields))
      for j = 1, #found do
        local current = changed[fields[j]] or states[j]
        local v = current and split(current) or {}
        if find(v[6] or "", "l", 1, true) and key_of(v[4] or "") == key then
          change(key, 1, -1)
          admitted = admitted + 1
          v[6] = string.gsub(v[6], "l", "a")
          set(fields[j], join(v))
          put(zready, text(us + 500 + admitted), ids[j])
        end
        put(xline, found[j])
      end
    end
    put(hset, "k:" .. key, k[1] .. "|" .. k[2] .. "|" .. k[3])
    if k[1] + k[2] == 0 then put(zends, text(now + 3600000), "k:" .. key) end
  end
  zline, touched = {}, {}
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
