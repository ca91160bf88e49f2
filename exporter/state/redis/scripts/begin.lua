-- Arguments: prefix, group, lane, reader. Returns the highest position of the lane.
redis.call('HDEL', P .. 'readers:' .. ARGV[2], ARGV[3])
redis.call('HSET', P .. 'readers:' .. ARGV[2], ARGV[3], ARGV[4])
return redis.call('HGET', P .. 'highest:' .. ARGV[2], ARGV[3])
