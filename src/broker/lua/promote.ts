/** due → ready. A task that was claimed before keeps its place; a new one counts from when it was due, its priority in the fraction of the score. */
export const PROMOTE: string = `
local xdue, next_due = {}, false
do
local arrived, arrivals = {}, {}
for i = first_task, #peek, 2 do
  local id, at = peek[i], tonumber(peek[i + 1])
  if id ~= "!canary" then
    if floor(at) > now then next_due = at < 1e15 and floor(at) break end
    if not mine[id] then put(arrivals, id, at) put(arrived, "t:" .. id) end
  end
end
if #arrived > 0 or lanes_at and lanes_at <= now then
  local records, shared = #arrived > 0 and call("HMGET", state, unpack(arrived)) or {}, {}
  for i = 1, #arrived do
    local v = records[i] and split(records[i]) or {}
    put(shared, v[4] or "")
  end
  local woken = lanes_at and lanes_at <= now and call("ZRANGE", line, "[r:", "(r:" .. fmt("%016.0f", now + 1), "BYLEX", "LIMIT", 0, 200) or {}
  for i = 1, #woken do put(shared, match(woken[i], "|(.*)$") .. ",0") end
  gather(shared)
  for i = 1, #woken do
    local at, key = match(woken[i], "^r:(%d+)|(.*)$")
    if lanes[key][9] == tonumber(at) then change(key, 0, 0) else put(xline, woken[i]) end
  end
  local entering = {}
  for i = 1, #arrived do
    local id, at = arrivals[2 * i - 1], arrivals[2 * i]
    local v = records[i] and split(records[i])
    put(xdue, id)
    if not v or v[1] == "!" then
      local ms = floor(at)
      put(zready, place(ms * 1000, (at - ms) * 32 - 10), id)
    elseif v[2] == "" and shared[i] == "" then put(zready, v[3], id)
    elseif v[2] == "" and not find(v[6], "[al]") then put(entering, { id, v, tonumber(v[3]) }) end
  end
  table.sort(entering, function(a, b) return a[3] < b[3] or a[3] == b[3] and a[1] < b[1] end)
  for i = 1, #entering do enter(entering[i][1], entering[i][2]) end
end
end
if #peek >= 404 and not next_due then next_due = now end`;

/**
 * Everything that may be written twice: new tasks with their places, before or together with the records that end a task.
 * A place without its record is a ghost that a claim drops and the repeat sets again; an end without its successors would be a loss. A live task must never stand in \`ends\`, where the sweep would forget it: that index comes after the record.
 */
export const WRITE: string = `
advance()
store(apart)
flush("ZADD", due, zdue)
flush("ZADD", ready, zready)
store(ended)
flush("ZADD", dead, zdead)
flush("ZADD", ends, zends)`;
