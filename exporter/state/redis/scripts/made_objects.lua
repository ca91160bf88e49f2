-- Arguments: prefix, the revision that is changed, the one to come, how many are deleted, their fields, fields and
-- documents to put. Returns 1, or 0 where another revision stands there. Deletes first.
if (redis.call('HGET', P .. 'meta', 'made-objects') or '') ~= ARGV[2] then return 0 end
local after = 4 + tonumber(ARGV[4])
for at = 5, after do redis.call('HDEL', P .. 'made-objects', ARGV[at]) end
for at = after + 1, #ARGV, 2 do redis.call('HSET', P .. 'made-objects', ARGV[at], ARGV[at + 1]) end
redis.call('HSET', P .. 'meta', 'made-objects', ARGV[3])
return 1
