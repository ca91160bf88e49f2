-- Arguments: prefix, ids. Returns the replay of each.
local found = {}
for at = 2, #ARGV do found[at - 1] = redis.call('HGET', letter(ARGV[at]), 'replay') end
return found
