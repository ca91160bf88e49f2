-- Arguments: prefix. Returns totals, the destinations with a waiting replay, and the newest id.
return {redis.call('HGETALL', P .. 'totals'), redis.call('HKEYS', P .. 'asking'),
  redis.call('HGET', P .. 'meta', 'newest')}
