import { PRESENT_MS } from "../wake.ts";
import { MARK } from "./wake.ts";

/**
 * What a step does to the mark, beside taking it away when it found nothing. Of another's ring it leaves the mark alone: that ring is to be heard when it comes.
 * `attend` comes after the commit, and is what a repeat does again. Its variables are few: a chunk of Lua has 200.
 */
export const ATTEND: string = `
local attend, is_outstanding
local presence = "0|"
do${MARK}
is_outstanding = function() return wake_at and wake_at % 1 > 0 and floor(wake_at) >= mark end
attend = function(found)
  if leaving > 0 then
    local front = leaving == 2 and call("ZRANGE", ready, 0, 1) or {}
    local first = front[1] == "!paused.names" and front[2] or front[1]
    if first and sub(first, 1, 1) ~= "!" then presence = "0|" .. ring()
    elseif wake_at and wake_at % 1 == 0 then call("ZREM", due, "!wake") end
  elseif found and wake_at then
    if wake_at % 1 > 0 and mark > 0 and is_outstanding() or wake_at % 1 == 0 and wake_at < now + ${
  PRESENT_MS * 3 / 4
} then
      wake_at = now + ${PRESENT_MS}
      call("ZADD", due, text(wake_at - 2e13), "!wake")
    end
    presence = "1|"
  end
end
end`;
