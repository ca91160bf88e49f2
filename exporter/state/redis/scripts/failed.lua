-- Arguments: prefix, destination, id, reason, detail, status or "", attempts, at, answer. Returns letters and bytes of
-- the destination. A letter that is gone stays away.
local id = ARGV[3]
local old = redis.call('HMGET', letter(id), 'destination', 'lane', 'position', 'replay')
if old[1] then
  if old[4] ~= 'none' then set_replay(id, old[1], old[2], old[3], old[4], 'none') end
  local growth = #ARGV[5] + #ARGV[9] - redis.call('HSTRLEN', letter(id), 'detail')
    - redis.call('HSTRLEN', letter(id), 'answer')
  redis.call('HSET', letter(id), 'reason', ARGV[4], 'detail', ARGV[5], 'attempts', ARGV[7], 'at', ARGV[8],
    'answer', ARGV[9])
  redis.call('HINCRBY', letter(id), 'bytes', growth)
  grow(old[1], 0, growth)
  if ARGV[6] == '' then
    redis.call('HDEL', letter(id), 'status')
  else
    redis.call('HSET', letter(id), 'status', ARGV[6])
  end
end
local count, bytes = totals(ARGV[2])
return {whole(count), whole(bytes)}
