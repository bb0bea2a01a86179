/** `CLOCK` for a host that refuses TIME in scripts: the caller tells the server's time as its last argument. */
export const CALLED_CLOCK: string = `
local us = tonumber(ARGV[#ARGV])
local now = floor(us / 1000)`;

/** The same where \`meta\` is at hand, which remembers the latest time that was told: it never goes back, whoever tells it. A deletion comes first, as in a lean step. */
export const GUARDED_CLOCK: string = `
call("HDEL", meta, "!told")
local us = math.max(tonumber(ARGV[#ARGV]), (tonumber(call("HGET", meta, "clock") or 0) or 0) + 1)
call("HSET", meta, "clock", text(us))
local now = floor(us / 1000)`;
