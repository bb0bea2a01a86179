/** due → ready. A task that was claimed before keeps its place; a new one counts from when it was due, its priority in the fraction of the score. */
export const PROMOTE: string = `
local xdue, next_due = {}, false
local arrived, arrivals = {}, {}
for i = first_task, #peek, 2 do
  local id, at = peek[i], tonumber(peek[i + 1])
  if id ~= "!canary" then
    if floor(at) > now then next_due = at < 1e15 and floor(at) break end
    if not mine[id] then put(arrivals, id, at) put(arrived, "t:" .. id) end
  end
end
if #arrived > 0 then
  local records, shared = call("HMGET", state, unpack(arrived)), {}
  for i = 1, #arrived do
    local v = records[i] and split(records[i]) or {}
    put(shared, v[4] or "")
  end
  gather(shared)
  for i = 1, #arrived do
    local id, at = arrivals[2 * i - 1], arrivals[2 * i]
    local v = records[i] and split(records[i])
    put(xdue, id)
    if not v or v[1] == "!" then
      local ms = floor(at)
      put(zready, place(ms * 1000, (at - ms) * 32 - 10), id)
    elseif v[2] == "" and shared[i] == "" then put(zready, v[3], id)
    elseif v[2] == "" and not find(v[6], "[al]") then enter(id, v) end
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
