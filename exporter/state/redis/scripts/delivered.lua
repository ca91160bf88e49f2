-- Arguments: prefix, destination, id. Returns letters and bytes of the destination.
forget(ARGV[3])
local count, bytes = totals(ARGV[2])
return {whole(count), whole(bytes)}
