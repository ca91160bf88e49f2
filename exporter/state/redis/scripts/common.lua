local P = ARGV[1]
local function number(text) return tonumber(text or 0) or 0 end
local function whole(n) return string.format('%.0f', n) end
local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function letter(id) return P .. 'letter:' .. id end
local function places(group, lane) return P .. 'places:' .. #group .. ':' .. group .. ':' .. lane end
local function current(destination) return P .. 'current:' .. destination end
local function owned(profile, id) return profile .. '\0' .. id end
local function turn(lane, position, id)
  return lane .. '\0' .. string.rep('0', 20 - #position) .. position .. '\0' .. id
end
local function totals(destination)
  local found = redis.call('HMGET', P .. 'totals', destination .. ':letters', destination .. ':bytes')
  return number(found[1]), number(found[2])
end
local function grow(destination, letters, bytes)
  redis.call('HINCRBY', P .. 'totals', destination .. ':letters', whole(letters))
  redis.call('HINCRBY', P .. 'totals', destination .. ':bytes', whole(bytes))
end
local function less_one(key, field)
  if redis.call('HINCRBY', key, field, -1) <= 0 then redis.call('HDEL', key, field) end
end
local function unask(id, destination, lane, position)
  redis.call('ZREM', P .. 'asked:' .. destination, turn(lane, position, id))
  less_one(P .. 'asked-lanes:' .. destination, lane)
  less_one(P .. 'asking', destination)
end
local function set_replay(id, destination, lane, position, before, after)
  if before == after then return end
  if after == 'none' then
    unask(id, destination, lane, position)
  elseif before == 'none' then
    redis.call('ZADD', P .. 'asked:' .. destination, 0, turn(lane, position, id))
    redis.call('HINCRBY', P .. 'asked-lanes:' .. destination, lane, 1)
    redis.call('HINCRBY', P .. 'asking', destination, 1)
  end
  redis.call('HSET', letter(id), 'replay', after)
end
local function forget(id)
  local at = redis.call('HMGET', letter(id), 'destination', 'group', 'lane', 'position', 'profile', 'replay', 'bytes')
  local destination, lane, position = at[1], at[3], at[4]
  if not destination then return 0 end
  redis.call('DEL', letter(id))
  redis.call('ZREM', P .. 'ids', id)
  redis.call('ZREM', P .. 'ids:' .. destination, id)
  redis.call('HDEL', places(at[2], lane), position)
  if at[5] then redis.call('ZREM', current(destination), owned(at[5], id)) end
  if at[6] ~= 'none' then unask(id, destination, lane, position) end
  grow(destination, -1, -number(at[7]))
  return 1
end
local function remember(why, ids, most)
  local key = P .. why
  for _, id in ipairs(ids) do redis.call('ZADD', key, id, id) end
  local many = redis.call('ZCARD', key) - tonumber(most)
  if many > 0 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', '+inf', 'LIMIT', 0, many)) do
      redis.call('ZREM', key, id)
    end
  end
end
