-- Keys: stream, record. Arguments: producer, the highest number that counts as published afterwards, then the number and
-- the body of each event. Adds the events beyond the producer's highest number so far, and returns how many it has left
-- out. Nothing is added without memory: Redis looks at its memory once for a script, so the first XADD is refused or none.
local field = 'number:' .. ARGV[1]
local highest = tonumber(redis.call('HGET', KEYS[2], field) or '0')
if tonumber(ARGV[2]) <= highest then return (#ARGV - 2) / 2 end
local left_out = 0
for at = 3, #ARGV, 2 do
  if tonumber(ARGV[at]) > highest then
    redis.call('XADD', KEYS[1], '*', 'event', ARGV[at + 1])
  else
    left_out = left_out + 1
  end
end
redis.call('HSET', KEYS[2], field, ARGV[2])
return left_out
