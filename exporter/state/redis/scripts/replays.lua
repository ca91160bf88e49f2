-- Arguments: prefix, ids. Returns the replay of each, "purged" of each that was purged while a replay waited.
local found = {}
for at = 2, #ARGV do
  local id = ARGV[at]
  found[at - 1] = redis.call('HGET', letter(id), 'replay')
  if not found[at - 1] and #redis.call('ZRANGEBYSCORE', P .. 'purged', id, id) > 0 then found[at - 1] = 'purged' end
end
return found
