import { RING_MS } from "../wake.ts";

/**
 * The mark of a queue that is rung for: `!wake` in `due`, at −2·10¹³ + the instant until which nobody needs to ring, with half a millisecond more where it is a ring that somebody was told to make, and not the presence of a consumer.
 * A step finds it at the head of `due`, where it looks anyway.
 */
export const MARK: string = `
local function ring()
  if not wake_at or wake_at <= now or wake_at % 1 == 0 then
    wake_at = now + ${RING_MS}.5
    call("ZADD", due, fmt("%.1f", wake_at - 2e13), "!wake")
  end
  return text(floor(wake_at))
end`;

/**
 * After the index: a request that fails before leaves no ring that nobody makes, and its repeat finds its tasks known, and rings.
 * Needs `prompt`: whether a new task is due, or a known one; then a ring that is outstanding may be one whose answer was lost, and is made again.
 */
export const RING: string = `
local rung = ""
if rings == 1 and (prompt.new or prompt.known) then
  wake_at = tonumber(call("ZSCORE", due, "!wake") or nil)
  wake_at = wake_at and wake_at + 2e13
  if not wake_at or wake_at <= now or prompt.known and wake_at % 1 > 0 then rung = ring() end
end`;

/** What `ring` needs, for a script that is rung from. */
export const RINGING: string = `
local wake_at = false${MARK}`;
