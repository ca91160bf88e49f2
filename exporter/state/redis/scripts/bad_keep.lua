-- Arguments: prefix, "ring" for refused elements or "", most bytes, how many letters there are; then of each the values
-- of ``_packed``. Returns "kept"; or "full" and the bytes for which there is no room. In the ring the oldest go.
local ring, most = ARGV[2] == 'ring', tonumber(ARGV[3])
local at = 4
local function take() at = at + 1; return ARGV[at] end
local letters, sizes = {}, {}
for n = 1, tonumber(ARGV[4]) do
  local new = {name = take(), inlet = take(), source = take(), flow = take(), dataset = take(), reason = take(),
    detail = take(), taken = take(), kept = take(), bytes = take(), known = take(), identity = take(),
    violations = take(), message = take()}
  letters[n] = new
  sizes[new.name] = tonumber(new.bytes)
end
local growth, many = 0, 0
for name, size in pairs(sizes) do
  local id = redis.call('HGET', P .. 'bad-names', name)
  local old = id and redis.call('HMGET', bad(id), 'reason', 'bytes')
  many, growth = many + 1, growth + size
  if old and old[1] and (old[1] == REFUSED) == ring then growth = growth - number(old[2]) end
end
local held = bad_held(ring)
if not ring then
  -- A letter that is larger than all the room may have the room alone: otherwise the letter would never fit.
  local alone = held == 0 and many == 1
  if growth > 0 and held + growth > most and not alone then return {'full', whole(growth)} end
end

local function drop_oldest(stays)
  while bad_held(true) > most do
    local id = redis.call('ZRANGEBYSCORE', P .. 'bad-refused', '-inf', '+inf', 'LIMIT', 0, 1)[1]
    if not id or id == stays then return end
    bad_forget(id)
  end
end
local newest = number(redis.call('HGET', P .. 'meta', 'newest-bad'))
local id
for _, new in ipairs(letters) do
  local old = redis.call('HGET', P .. 'bad-names', new.name)
  if old then bad_forget(old) end
  -- Never below the time, as with dead letters.
  local now = redis.call('TIME')
  newest = math.max(newest + 1, tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
  id = whole(newest)
  redis.call('HSET', P .. 'meta', 'newest-bad', id)
  redis.call('HSET', bad(id), 'name', new.name, 'inlet', new.inlet, 'source', new.source, 'flow', new.flow,
    'dataset', new.dataset, 'reason', new.reason, 'detail', new.detail, 'taken', new.taken, 'kept', new.kept,
    'bytes', new.bytes, 'violations', new.violations, 'message', new.message)
  if new.known == '1' then redis.call('HSET', bad(id), 'identity', new.identity) end
  redis.call('ZADD', P .. 'bad-ids', id, id)
  redis.call('ZADD', P .. 'bad-newest', '-' .. id, id)
  if ring then redis.call('ZADD', P .. 'bad-refused', id, id) end
  redis.call('HSET', P .. 'bad-names', new.name, id)
  bad_grow(new.reason, 1, tonumber(new.bytes))
end
if ring then drop_oldest(id) end
return {'kept'}
