-- Arguments: prefix, group, lane, reader. Forgets the reader, if no other reader has begun the lane since.
local key = P .. 'readers:' .. ARGV[2]
if redis.call('HGET', key, ARGV[3]) == ARGV[4] then redis.call('HDEL', key, ARGV[3]) end
return 1
