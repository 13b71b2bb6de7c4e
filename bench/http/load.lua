-- The load of `npm run bench -- --http`, run by wrk: each request of a file once, or the file repeatedly
-- until enough requests have been sent. wrk itself can only run for a given time.
--
-- Arguments: the file (complete requests separated by NUL bytes), how many to send, on how many connections,
-- and the number of the clock of the server's processor time. There is only one thread, because the server
-- needs the other cores. A line on standard error says when the last response has arrived; a line of JSON on
-- standard output has the figures.
local ffi = require('ffi')

ffi.cdef([[
  typedef struct { long seconds; long nanoseconds; } moment;
  int clock_gettime(int clock, moment *now);
]])

local MONOTONIC = jit.os == 'OSX' and 6 or 1
local moment = ffi.new('moment')

-- Nil if the system has no such clock.
local function seconds(clock)
  if ffi.C.clock_gettime(clock, moment) ~= 0 then
    return nil
  end
  return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local thread

function setup(started)
  thread = started
end

local requests = {}
local total, connections, server
local sent, idle = 0, 0
local checked = false

function init(arguments)
  local file = assert(io.open(arguments[1], 'rb'))
  -- Prepared before anything is sent, so that sending a request is only a table lookup.
  for request in file:read('*a'):gmatch('[^%z]+') do
    requests[#requests + 1] = request
  end
  file:close()
  total, connections, server = tonumber(arguments[2]), tonumber(arguments[3]), tonumber(arguments[4])
end

-- Called when a connection can send: at the start, and whenever its response has arrived. Without a function
-- `response`, wrk does not pass responses to Lua, and counts the errors among them itself.
function request()
  -- wrk examines the first request, but does not send it.
  if not checked then
    checked = true
    return requests[1]
  end
  if sent == 0 then
    begun, begun_busy, begun_server = seconds(MONOTONIC), os.clock(), seconds(server)
  end
  if sent < total then
    sent = sent + 1
    return requests[(sent - 1) % #requests + 1]
  end
  -- Nothing is left for this connection. Once that is true of all connections, all responses have arrived.
  idle = idle + 1
  if idle == connections then
    ended, ended_busy, ended_server = seconds(MONOTONIC), os.clock(), seconds(server)
    io.stderr:write('all answered\n')
    wrk.thread:stop()
  end
  -- No bytes, so there is no response, and the connection stays as it is.
  return ''
end

function done(summary, latency)
  local counts = {}
  for i = 1, #latency do
    counts[i] = string.format('[%d,%d]', latency(i))
  end
  -- What the thread has recorded; nil if it did not finish.
  local from = function(name)
    local first, last = thread:get('begun' .. name), thread:get('ended' .. name)
    return first and last and string.format('%.9f', last - first) or 'null'
  end
  local errors = summary.errors
  print(string.format(
    '{"answered":%d,"seconds":%s,"busy":%s,"server":%s,"microseconds":%.0f,'
      .. '"errors":{"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d},"latencies":[%s]}',
    summary.requests, from(''), from('_busy'), from('_server'), summary.duration,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout, table.concat(counts, ',')
  ))
end
