-- Prints the states of the link to a Directus server, and the events of a collection:
--
--     DIRECTUS_TOKEN=... luajit follow.lua http://localhost:8055 posts
local cjson = require("cjson")
local ffi = require("ffi")

local here = arg[0]:match("^(.*/)") or ""
ffi.cdef(assert(io.open(here .. "../../include/directus_realtime.cdef")):read("*a"))
ffi.cdef([[
struct pollfd { int fd; short events, revents; };
int poll(struct pollfd *waits, unsigned long count, int timeout_ms);
]])
local drt = ffi.load("libdirectus_realtime.so.0")
local KINDS = { [0] = "init", "create", "update", "delete", "error" }
local POLLIN = 1

local function check(status)
    if status < 0 then
        local info = ffi.new("drt_error_info", { struct_size = ffi.sizeof("drt_error_info") })
        drt.drt_last_error_info(info)
        io.stderr:write(ffi.string(info.message), "\n")
        os.exit(1)
    end
end

-- Prints a row. Returns whether it is the last one.
local function show(row)
    if row[1] == 0 then
        print(KINDS[row[3]], cjson.encode(row[8]))
        return bit.band(row[4], drt.DRT_FLAG_ENDED) ~= 0
    elseif row[1] == 1 then
        print(row[4])
        return row[2] == drt.DRT_STATE_FAILED
    end
end

local client = ffi.new("drt_client *[1]")
local json, length = ffi.new("const char *[1]"), ffi.new("size_t[1]")

-- Returns whether the server or the client has ended it.
local function follow()
    local waits = ffi.new("struct pollfd[1]", { { drt.drt_client_fd(client[0]), POLLIN } })
    while ffi.C.poll(waits, 1, -1) > 0 do -- not after a signal
        check(drt.drt_client_next(client[0], 0, 0, json, length, nil))
        for _, row in ipairs(cjson.decode(ffi.string(json[0], length[0]))) do
            if show(row) then
                return true
            end
        end
    end
end

io.stdout:setvbuf("line")
local options = ffi.new("drt_client_options")
drt.drt_client_options_init(options, ffi.sizeof(options))
local token = os.getenv("DIRECTUS_TOKEN")
options.url, options.access_token, options.delivery = arg[1], token, drt.DRT_DELIVER_POLL
check(drt.drt_client_new(options, client))
local wanted = ffi.new("drt_subscription_options")
drt.drt_subscription_options_init(wanted, ffi.sizeof(wanted))
wanted.collection = arg[2]
check(drt.drt_subscribe(client[0], nil, wanted, nil, nil, nil, nil))

-- Ctrl-C is an error of the Lua code that runs, or ends poll.
local whole, result = pcall(follow)
drt.drt_client_close(client[0], 5000)
if not whole and not tostring(result):find("interrupted!", 1, true) then
    error(result, 0)
end
os.exit(whole and result and 1 or 0)
