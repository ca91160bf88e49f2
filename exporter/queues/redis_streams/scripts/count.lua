-- Keys: stream. Arguments: first and last id of the range, most. Returns the number of entries and the last id.
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
if #found == 0 then return {0, ''} end
return {#found, found[#found][1]}
