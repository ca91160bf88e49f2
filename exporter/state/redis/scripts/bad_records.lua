local function bad(id) return P .. 'bad-record:' .. id end
local REFUSED = 'batch_message'
local function bad_grow(reason, letters, bytes)
  redis.call('HINCRBY', P .. 'bad-totals', reason .. ':letters', whole(letters))
  redis.call('HINCRBY', P .. 'bad-totals', reason .. ':bytes', whole(bytes))
end
local function bad_held(refused)
  local found, held = redis.call('HGETALL', P .. 'bad-totals'), 0
  for at = 1, #found, 2 do
    local reason, what = string.match(found[at], '^(.*):(%a+)$')
    if what == 'bytes' and (reason == REFUSED) == refused then held = held + number(found[at + 1]) end
  end
  return held
end
local function bad_forget(id)
  local at = redis.call('HMGET', bad(id), 'name', 'reason', 'bytes')
  if not at[1] then return 0 end
  redis.call('DEL', bad(id))
  redis.call('ZREM', P .. 'bad-ids', id)
  redis.call('ZREM', P .. 'bad-newest', id)
  redis.call('ZREM', P .. 'bad-refused', id)
  redis.call('HDEL', P .. 'bad-names', at[1])
  bad_grow(at[2], -1, -number(at[3]))
  return 1
end
