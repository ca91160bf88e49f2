-- Arguments: prefix, ids. Returns the replay of each letter, "purged" for a letter that was purged while the
-- replay waited.
local found = {}
for at = 2, #ARGV do
  local id = ARGV[at]
  found[at - 1] = redis.call('HGET', letter(id), 'replay')
  if not found[at - 1] and #redis.call('ZRANGEBYSCORE', P .. 'purged', id, id) > 0 then found[at - 1] = 'purged' end
end
return found
