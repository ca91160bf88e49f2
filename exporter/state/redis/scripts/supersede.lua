-- Superseding is decided here: a delivery marks every letter of its profile, but for letters of the same lane at the
-- position or after. A replay that was asked for without "--superseded" is withdrawn. Returns whether no current letter
-- of the profile is left.
local function supersede(destination, group, profile, lane, position)
  local first, last = '[' .. profile .. '\0', '(' .. profile .. '\1'
  for _, member in ipairs(redis.call('ZRANGEBYLEX', current(destination), first, last)) do
    local id = string.match(member, '%d+$')
    if member == owned(profile, id) then
      local old = redis.call('HMGET', letter(id), 'group', 'lane', 'position', 'replay')
      if not old[1] then
        redis.call('ZREM', current(destination), member)
      elseif old[1] ~= group or old[2] ~= lane or less(old[3], position) then
        redis.call('ZREM', current(destination), member)
        redis.call('HSET', letter(id), 'superseded', '1')
        if old[4] == 'asked' then set_replay(id, destination, old[2], old[3], 'asked', 'none') end
      end
    end
  end
  return #redis.call('ZRANGEBYLEX', current(destination), first, last, 'LIMIT', 0, 1) == 0
end
