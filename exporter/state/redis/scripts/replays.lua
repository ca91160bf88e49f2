-- Arguments: prefix, ids. Returns the replay of each; of each that was deleted unsent while a replay waited, why.
local found = {}
for at = 2, #ARGV do
  local id = ARGV[at]
  found[at - 1] = redis.call('HGET', letter(id), 'replay')
  for _, why in ipairs({'purged', 'excluded'}) do
    if not found[at - 1] and #redis.call('ZRANGEBYSCORE', P .. why, id, id) > 0 then found[at - 1] = why end
  end
end
return found
