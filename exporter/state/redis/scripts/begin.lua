-- Arguments: prefix, group, lane, reader. Notes the reader; returns the highest position that ever had a letter.
redis.call('HDEL', P .. 'readers:' .. ARGV[2], ARGV[3])
redis.call('HSET', P .. 'readers:' .. ARGV[2], ARGV[3], ARGV[4])
return redis.call('HGET', P .. 'highest:' .. ARGV[2], ARGV[3])
