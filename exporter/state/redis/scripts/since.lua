-- Arguments: prefix, destination, id to begin after, most. Returns the last id looked at, "" at the end, and
-- the profiles of letters that are not superseded.
local ids = redis.call('ZRANGEBYSCORE', P .. 'ids:' .. ARGV[2], '(' .. ARGV[3], '+inf', 'LIMIT', 0, ARGV[4])
local profiles = {}
for _, id in ipairs(ids) do
  local at = redis.call('HMGET', letter(id), 'profile', 'superseded')
  if at[1] and at[2] == '0' then profiles[#profiles + 1] = at[1] end
end
local reached = ''
if #ids == tonumber(ARGV[4]) then reached = ids[#ids] end
return {reached, profiles}
