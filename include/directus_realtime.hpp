/**
 * @file directus_realtime.hpp
 * @brief Live updates from a Directus server, for C++17 and newer. Header only.
 *
 *     drt::client_options options;
 *     options.url = "http://localhost:8055";
 *     options.access_token = "...";
 *     drt::client client(options);
 *     drt::subscription_options posts;
 *     posts.collection = "posts";
 *     auto subscription = client.subscribe(posts, [](const drt::event &event) {
 *         std::cout << event.data() << '\n';
 *     });
 *
 * Clients, scopes and subscriptions are move-only values that end what they stand for. The
 * rules of directus_realtime.h on threads, callbacks and blocking calls hold; these are added:
 *
 * - Errors: what fails throws drt::error, or sets the std::error_code that is handed in, for
 *   which drt::last_error() has a sentence. Each function lists its results. Those of an empty
 *   object (default constructed, moved from, closed) are `status::invalid_handle`.
 * - Callbacks are any callables, also such as can only be moved. An exception that leaves one
 *   goes to drt::on_exception, as does one that leaves a callable's destructor.
 * - Threads: every member function may be called from any thread at any time, on the same object,
 *   too. Moving, assigning and destroying an object is for one thread alone, as with any value.
 * - Waiting: whatever ends a subscription waits for a callback of it that runs, unless it is
 *   called in that very callback: `unsubscribe`, `scope::close`, destructors and assignments.
 *   Hold no lock there that such a callback takes.
 * - The end of a client waits for its running callback, too, but for five seconds at most; see
 *   drt::client. Strings with a NUL byte in them are `status::invalid_argument`.
 */
#ifndef DIRECTUS_REALTIME_HPP
#define DIRECTUS_REALTIME_HPP

#if !(__cplusplus >= 201703L || (defined(_MSVC_LANG) && _MSVC_LANG >= 201703L))
#error "directus_realtime.hpp needs C++17 or newer, for instance -std=c++17"
#elif !(defined(__cpp_exceptions) || defined(_CPPUNWIND))
#error "directus_realtime.hpp needs exceptions; without them use directus_realtime.h"
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <future>
#include <initializer_list>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "directus_realtime.h"

/* Other libraries take plain words away by macros: Qt `forever`, `emit` and `slots`, X11 `None`,
 * Windows `min` and `max`. None of them is a name here, and max is called in parentheses. */

/* What a process has once, even where its libraries hide their symbols. */
#if defined(__GNUC__) && !defined(_WIN32)
#define DRT_DETAIL_SHARED __attribute__((visibility("default")))
#else
#define DRT_DETAIL_SHARED
#endif

/* ---- Results and errors -------------------------------------------------------------------- */

namespace drt {

/** The library's results; see `drt_status`. */
enum class status : std::int32_t {
    ok = DRT_OK,
    duplicate = DRT_DUPLICATE,
    invalid_argument = DRT_ERR_INVALID_ARGUMENT,
    invalid_handle = DRT_ERR_INVALID_HANDLE,
    invalid_utf8 = DRT_ERR_INVALID_UTF8,
    invalid_json = DRT_ERR_INVALID_JSON,
    not_found = DRT_ERR_NOT_FOUND,
    not_connected = DRT_ERR_NOT_CONNECTED,
    closed = DRT_ERR_CLOSED,
    timeout = DRT_ERR_TIMEOUT,
    auth = DRT_ERR_AUTH,
    server = DRT_ERR_SERVER,
    io = DRT_ERR_IO,
    tls = DRT_ERR_TLS,
    queue_full = DRT_ERR_QUEUE_FULL,
    would_deadlock = DRT_ERR_WOULD_DEADLOCK,
    forked = DRT_ERR_FORKED,
    internal = DRT_ERR_INTERNAL
};

} // namespace drt

/** @cond */
template <> struct std::is_error_code_enum<drt::status> : std::true_type {};
/** @endcond */

namespace drt {

namespace detail {

/** A sentence for each status, for those who know no more than that. */
inline const char *sentence(drt_status value) noexcept {
    switch (value) {
    case DRT_OK:
        return "success";
    case DRT_DUPLICATE:
        return "the uid is taken: the subscription that exists was returned";
    case DRT_ERR_INVALID_ARGUMENT:
        return "an argument has a value that the function cannot take";
    case DRT_ERR_INVALID_HANDLE:
        return "the object is empty, or what it stood for has ended";
    case DRT_ERR_INVALID_UTF8:
        return "a string is not UTF-8";
    case DRT_ERR_INVALID_JSON:
        return "a string is not the JSON that is asked for";
    case DRT_ERR_NOT_FOUND:
        return "nothing has that name";
    case DRT_ERR_NOT_CONNECTED:
        return "there is no usable link to the server at the moment";
    case DRT_ERR_CLOSED:
        return "the client is closed";
    case DRT_ERR_TIMEOUT:
        return "it did not happen within the time allowed";
    case DRT_ERR_AUTH:
        return "the server refused the credentials, or there are none";
    case DRT_ERR_SERVER:
        return "the server answered with an error";
    case DRT_ERR_IO:
        return "network or file input and output failed";
    case DRT_ERR_TLS:
        return "TLS failed, for instance because of an untrusted certificate";
    case DRT_ERR_QUEUE_FULL:
        return "too much waits to be sent";
    case DRT_ERR_WOULD_DEADLOCK:
        return "the call would wait for the callback that it was made from";
    case DRT_ERR_FORKED:
        return "the object was inherited through fork()";
    case DRT_ERR_INTERNAL:
        return "a fault of the library itself, which stays usable";
    default:
        return "a result that this header does not know";
    }
}

/** The conditions of <system_error> that results come under. */
inline std::error_condition condition(int value, const std::error_category &own) noexcept {
    switch (value) {
    case DRT_OK:
        return {};
    case DRT_ERR_INVALID_ARGUMENT:
    case DRT_ERR_INVALID_UTF8:
    case DRT_ERR_INVALID_JSON:
        return std::errc::invalid_argument;
    case DRT_ERR_INVALID_HANDLE:
        return std::errc::bad_file_descriptor;
    case DRT_ERR_NOT_FOUND:
        return std::errc::no_such_file_or_directory;
    case DRT_ERR_NOT_CONNECTED:
        return std::errc::not_connected;
    case DRT_ERR_CLOSED:
        return std::errc::operation_canceled;
    case DRT_ERR_TIMEOUT:
        return std::errc::timed_out;
    case DRT_ERR_AUTH:
        return std::errc::permission_denied;
    case DRT_ERR_IO:
        return std::errc::io_error;
    case DRT_ERR_TLS:
        return std::errc::protocol_error;
    case DRT_ERR_QUEUE_FULL:
        return std::errc::resource_unavailable_try_again;
    case DRT_ERR_WOULD_DEADLOCK:
        return std::errc::resource_deadlock_would_occur;
    case DRT_ERR_FORKED:
        return std::errc::operation_not_permitted;
    default:
        return {value, own};
    }
}

} // namespace detail

/** The category of the library's error codes. Their `message()` is a sentence for the status;
 * what was wrong with which argument is in drt::last_error() and in drt::error. */
DRT_DETAIL_SHARED inline const std::error_category &category() noexcept {
    struct category_type final : std::error_category {
        const char *name() const noexcept override { return "directus_realtime"; }
        std::string message(int value) const override { return detail::sentence(value); }
        std::error_condition default_error_condition(int value) const noexcept override {
            return detail::condition(value, *this);
        }
    };
    static const category_type instance;
    return instance;
}

/** An error code of the library's; `ec == drt::status::timeout` compares with it. */
inline std::error_code make_error_code(status value) noexcept {
    return {static_cast<int>(value), category()};
}

/** The name of a status in C, for instance `"DRT_ERR_TIMEOUT"`. A static string. */
inline const char *status_name(status value) noexcept {
    return drt_status_name(static_cast<drt_status>(value));
}

/** What failed calls throw. Copying it cannot fail. */
class DRT_DETAIL_SHARED error : public std::system_error {
  public:
    /** With a sentence of one's own. */
    error(drt::status status, const std::string &message)
        : std::system_error(make_error_code(status), message),
          message_(std::make_shared<const std::string>(message)) {}
    /** Copies share the sentence. */
    error(const error &) noexcept = default;
    /** Copies share the sentence. */
    error &operator=(const error &) noexcept = default;

    /** The library's result. */
    drt::status status() const noexcept { return static_cast<drt::status>(code().value()); }
    /** The library's sentence: what was wrong, and with which argument. `what()` has that, and
     * the sentence of the status. */
    const std::string &message() const noexcept { return *message_; }

  private:
    std::shared_ptr<const std::string> message_;
};

/* ---- What a thread is doing ---------------------------------------------------------------- */

namespace detail {

/** A callback, or a callable's destructor, that runs on this thread. */
class frame;
/** A dispatch or drain of this header's that runs on this thread. */
class turn;
/** A callable that is being handed to the library on this thread. */
class handover;

/** What this header has to know of a thread. */
struct thread_state {
    const frame *innermost = nullptr;
    turn *dispatching = nullptr;
    handover *giving = nullptr;
    /** A client that has ended in its own callback: none of its callbacks is called here any
     * more. One is enough, since a thread delivers for one client at a time. */
    drt_client *ended = nullptr;
    /** A sentence of this header's for the failure that is about to be reported ... */
    const char *refusal = nullptr;
    /** ... and for the last one that was; NULL where the library has it. */
    const char *last_refusal = nullptr;
    /** Whether a function of set_log runs. */
    bool logging = false;
};

DRT_DETAIL_SHARED inline thread_state &here() noexcept {
    static thread_local thread_state state;
    return state;
}

class frame {
  public:
    explicit frame(drt_client *client) noexcept : client_(client), outer_(here().innermost) {
        here().innermost = this;
    }
    frame(const frame &) = delete;
    frame &operator=(const frame &) = delete;
    ~frame() { here().innermost = outer_; }

    /** Whether this thread is inside a callback of that client. */
    static bool is_inside(drt_client *client) noexcept {
        const frame *each = here().innermost;
        while (each != nullptr && each->client_ != client) {
            each = each->outer_;
        }
        return each != nullptr;
    }

  private:
    drt_client *const client_;
    const frame *const outer_;
};

/** Marks this thread as inside a function of set_log. */
class log_frame {
  public:
    log_frame() noexcept : before_(std::exchange(here().logging, true)) {}
    log_frame(const log_frame &) = delete;
    log_frame &operator=(const log_frame &) = delete;
    ~log_frame() { here().logging = before_; }

  private:
    const bool before_;
};

/* ---- Results of calls ---------------------------------------------------------------------- */

inline status to_status(drt_status value) noexcept { return static_cast<status>(value); }

/** A failure of this header's own, with a static sentence. It is to be reported next. */
inline drt_status refuse(const char *why) noexcept {
    here().refusal = why;
    return DRT_ERR_INVALID_ARGUMENT;
}

inline std::string last_error() {
    const char *own = here().last_refusal;
    return own != nullptr ? own : drt_last_error();
}

inline void check(drt_status value, std::error_code &ec) noexcept {
    if (value < 0) {
        here().last_refusal = std::exchange(here().refusal, nullptr);
    }
    ec = value < 0 ? make_error_code(to_status(value)) : std::error_code();
}

inline void check(drt_status value) {
    std::error_code ec;
    check(value, ec);
    if (ec) {
        throw error(to_status(value), last_error());
    }
}

/** Reports by an error code, or by an exception where there is none. */
inline void check(drt_status value, std::error_code *ec) {
    ec != nullptr ? check(value, *ec) : check(value);
}

/* ---- Conversions --------------------------------------------------------------------------- */

/** Milliseconds as the library takes them; what is longer than it knows is the longest. */
template <class Rep, class Period>
std::uint32_t milliseconds(std::chrono::duration<Rep, Period> time) noexcept {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    const auto most = std::int64_t{(std::numeric_limits<std::int32_t>::max)()};
    return static_cast<std::uint32_t>(std::clamp(std::int64_t{count}, std::int64_t{0}, most));
}

/** How long a dispatch may wait, in milliseconds: -1, without end, for no time and for a negative
 * one. */
inline std::int32_t dispatch_timeout(std::optional<std::chrono::milliseconds> time) noexcept {
    const bool endless = !time || *time < std::chrono::milliseconds::zero();
    return endless ? -1 : static_cast<std::int32_t>(milliseconds(*time));
}

inline const char *text_or_null(const std::string &text) noexcept {
    return text.empty() ? nullptr : text.c_str();
}

inline std::string_view view(const char *text, std::size_t length) noexcept {
    return text == nullptr ? std::string_view() : std::string_view(text, length);
}

inline std::string_view view(const char *text) noexcept {
    return text == nullptr ? std::string_view() : std::string_view(text);
}

/** C would cut such a string short. */
inline bool has_nul(const std::string &text) noexcept {
    return text.find('\0') != std::string::npos;
}

/** A string of an option struct, and what to say of a NUL byte in it. */
struct checked_string {
    const std::string &text;
    const char *complaint;
};

/** The complaint about the first string that has a NUL byte in it, or NULL. */
inline const char *flaw(std::initializer_list<checked_string> strings) noexcept {
    for (const auto &each : strings) {
        if (has_nul(each.text)) {
            return each.complaint;
        }
    }
    return nullptr;
}

/** Whether a callable is none: a null pointer, or an empty std::function. */
template <class F> bool is_empty(const F &callable) noexcept {
    if constexpr (std::is_constructible_v<F, std::nullptr_t> &&
                  std::is_constructible_v<bool, const F &>) {
        return !static_cast<bool>(callable);
    } else {
        return false;
    }
}

} // namespace detail

/** What was wrong with this thread's last failed call of this header: one sentence that names the
 * argument. Empty when nothing has failed yet. */
inline std::string last_error() { return detail::last_error(); }

/* ---- Exceptions of callbacks --------------------------------------------------------------- */

/** A function that is told of exceptions that leave callbacks, on the thread of the callback; it
 * must not throw. */
using exception_handler = void (*)(std::exception_ptr);

/** Levels of the log. */
enum class log_level : std::int32_t {
    off = DRT_LOG_OFF,
    error = DRT_LOG_ERROR,
    warn = DRT_LOG_WARN,
    info = DRT_LOG_INFO,
    debug = DRT_LOG_DEBUG,
    trace = DRT_LOG_TRACE
};

namespace detail {

using log_function = std::function<void(log_level, std::string_view, std::string_view)>;

/** The function that set_log has set. */
struct log_place {
    std::mutex lock;
    std::shared_ptr<const log_function> function;
};

/** Never destroyed: threads of the library may still log when the process ends. */
DRT_DETAIL_SHARED inline log_place &the_log() {
    static log_place &place = *new log_place;
    return place;
}

inline std::shared_ptr<const log_function> current_log() {
    log_place &place = the_log();
    const std::lock_guard<std::mutex> locked(place.lock);
    return place.function;
}

inline std::string describe(const std::exception_ptr &thrown) {
    const std::string what = "a callback has thrown";
    try {
        if (thrown != nullptr) {
            std::rethrow_exception(thrown);
        }
    } catch (const std::exception &caught) {
        return what + ": " + caught.what();
    } catch (...) {
    }
    return what;
}

/** Whether there is a log that takes it: its function may throw again. */
inline bool log_error(const std::string &text) {
    const auto log = current_log();
    if (log == nullptr) {
        return false;
    }
    try {
        const log_frame inside;
        (*log)(log_level::error, "callback", text);
        return true;
    } catch (...) {
        return false;
    }
}

/** The handler where the application has set none. */
inline void log_exception(std::exception_ptr thrown) {
    try {
        const std::string text = describe(thrown);
        if (!log_error(text)) {
            std::fprintf(stderr, "directus_realtime: %s\n", text.c_str());
        }
    } catch (...) {
        std::fputs("directus_realtime: a callback has thrown, and its exception cannot be told\n",
                   stderr);
    }
}

DRT_DETAIL_SHARED inline std::atomic<exception_handler> &handler() noexcept {
    static std::atomic<exception_handler> current{log_exception};
    return current;
}

/** Calls something of the application's; nothing leaves it. */
template <class F> void guard(F &&function) noexcept {
    try {
        std::forward<F>(function)();
    } catch (...) {
        handler().load()(std::current_exception());
    }
}

} // namespace detail

/** Sets who is told of exceptions that leave callbacks, from any thread, at any time. NULL stands
 * for the default: they are logged at `log_level::error` (see drt::set_log), or printed to
 * standard error where there is no log. */
inline void on_exception(exception_handler handler) noexcept {
    detail::handler().store(handler != nullptr ? handler : detail::log_exception);
}

/* ---- Callables in the library's keeping ---------------------------------------------------- */

namespace detail {

/** A callable, and whose callback it is: the user data of a registration. */
template <class F> struct kept {
    template <class G>
    kept(drt_client *of, G &&from) : client(of), callable(std::forward<G>(from)) {}
    drt_client *client;
    F callable;
};

/** Runs a callback, unless its client has ended in an earlier one on this thread. */
template <class F> void run(drt_client *client, F &&function) noexcept {
    if (here().ended != client) {
        const frame inside(client);
        guard(std::forward<F>(function));
    }
}

template <class F> void destroy(kept<F> *callable) noexcept {
    guard([callable] { delete callable; });
}

class handover {
  public:
    explicit handover(void *given) noexcept : given_(given), outer_(here().giving) {
        here().giving = this;
    }
    handover(const handover &) = delete;
    handover &operator=(const handover &) = delete;
    ~handover() { here().giving = outer_; }

    void *given() const noexcept { return given_; }
    bool was_returned() const noexcept { return returned_; }

    /** Whether that is what this thread is handing over: then it takes it back. */
    static bool take_back(void *given) noexcept {
        handover *now = here().giving;
        const bool own = now != nullptr && now->given_ == given;
        if (own) {
            now->returned_ = true;
        }
        return own;
    }

  private:
    void *const given_;
    handover *const outer_;
    bool returned_ = false;
};

template <class F> void release(void *user_data) {
    if (!handover::take_back(user_data)) {
        auto *const callable = static_cast<kept<F> *>(user_data);
        const frame inside(callable->client);
        destroy(callable);
    }
}

/** Hands a callable to a registering call. Where that gives it back, it is destroyed when the
 * call has returned and its failure is noted, so that its destructor may do what it likes. */
template <class F, class Call>
drt_status hand_over(drt_client *client, F &&callback, std::error_code *ec, const Call &call) {
    using callable = std::decay_t<F>;
    struct giving : handover {
        using handover::handover;
        ~giving() {
            if (was_returned()) {
                destroy(static_cast<kept<callable> *>(given()));
            }
        }
    };
    const giving now(new kept<callable>(client, std::forward<F>(callback)));
    const drt_status result = call(now.given(), release<callable>);
    check(result, ec);
    return result;
}

/** Visits subscriptions; an exception ends the visits, and is thrown on when the library is left.
 */
template <class F> drt_status visit(drt_client *client, F &&function) {
    struct visitor {
        F &function;
        std::exception_ptr thrown;
    } now{function, nullptr};
    const auto call = [](const drt_subscription_info *info, void *user_data) -> bool {
        auto &visiting = *static_cast<visitor *>(user_data);
        try {
            return visiting.function(*info);
        } catch (...) {
            visiting.thrown = std::current_exception();
            return false;
        }
    };
    const drt_status result = drt_active_subscriptions(client, call, &now);
    if (now.thrown != nullptr) {
        std::rethrow_exception(now.thrown);
    }
    return result;
}

/* ---- The end of a client ------------------------------------------------------------------- */

/** How long the end of a client waits. */
constexpr std::chrono::milliseconds farewell = std::chrono::seconds(5);

inline drt_status close(drt_client *client) noexcept {
    return drt_client_close(client, milliseconds(farewell));
}

class turn {
  public:
    explicit turn(drt_client *client) noexcept : client_(client), outer_(here().dispatching) {
        here().dispatching = this;
    }
    turn(const turn &) = delete;
    turn &operator=(const turn &) = delete;
    ~turn() { here().dispatching = outer_; }

    /** Whether this thread dispatches for that client: then it closes it afterwards. */
    static bool close_later(drt_client *client) noexcept {
        turn *now = here().dispatching;
        const bool own = now != nullptr && now->client_ == client;
        if (own) {
            now->is_over_ = true;
        }
        return own;
    }

    /** After the call: closes the client if it has ended in a callback. */
    bool end() const noexcept {
        if (is_over_) {
            close(client_);
            here().ended = nullptr;
        }
        return is_over_;
    }

  private:
    drt_client *const client_;
    turn *const outer_;
    bool is_over_ = false;
};

/** Ends every subscription, and takes the callbacks for states and tokens away. */
inline void silence(drt_client *client) noexcept {
    drt_client_on_state(client, nullptr, nullptr, nullptr);
    drt_client_on_token(client, nullptr, nullptr, nullptr);
    const auto end = [](const drt_subscription_info *info, void *) -> bool {
        drt_subscription_unsubscribe(info->handle);
        return true;
    };
    drt_active_subscriptions(client, end, nullptr);
}

/** Ends a client inside a callback of its own, which cannot wait for itself. */
inline void end_inside(drt_client *client) noexcept {
    silence(client);
    here().ended = client;
    if (!turn::close_later(client)) {
        guard([client] {
            std::thread([client] {
                here().ended = client;
                close(client);
            }).detach();
        });
    }
}

/** Closes a client on another thread, and waits for that. */
inline void end_elsewhere(drt_client *client) {
    std::promise<void> promise;
    auto closed = promise.get_future();
    std::thread closing([client, promise = std::move(promise)]() mutable {
        close(client);
        promise.set_value();
    });
    // A log function may run on the thread that a farewell needs.
    const auto longest = here().logging ? std::chrono::seconds::zero()
                                        : std::chrono::ceil<std::chrono::seconds>(farewell) +
                                              std::chrono::seconds(1);
    if (closed.wait_for(longest) == std::future_status::ready) {
        closing.join();
    } else {
        closing.detach();
    }
}

inline void end(drt_client *client) noexcept {
    if (frame::is_inside(client)) {
        end_inside(client);
    } else if (close(client) == DRT_ERR_WOULD_DEADLOCK) {
        guard([client] {
            try {
                end_elsewhere(client);
            } catch (...) {
                silence(client);
                throw;
            }
        });
    }
}

} // namespace detail

/* ---- Options ------------------------------------------------------------------------------- */

/** How credentials are shown to the server. */
enum class auth_mode : std::int32_t {
    handshake = DRT_AUTH_HANDSHAKE,
    public_ = DRT_AUTH_PUBLIC,
    strict = DRT_AUTH_STRICT
};

/** Who runs callbacks: a thread of the library's, or whoever calls `dispatch`. */
enum class delivery : std::int32_t { thread = DRT_DELIVER_THREAD, poll = DRT_DELIVER_POLL };

/** How changes are cut into events. */
enum class granularity : std::int32_t { per_item = DRT_PER_ITEM, per_message = DRT_PER_MESSAGE };

/** Which snapshot an INIT carries. */
enum class snapshot : std::int32_t { exact = DRT_SNAPSHOT_EXACT, server = DRT_SNAPSHOT_SERVER };

/** A kind of change to be told of; `drt::on::create | drt::on::update` combines them. */
enum class on : drt_event_mask {
    create = DRT_ON_CREATE,
    update = DRT_ON_UPDATE,
    delete_ = DRT_ON_DELETE
};

/** Kinds of changes. None at all stands for every kind. */
class event_mask {
  public:
    /** Every kind. */
    constexpr event_mask() noexcept = default;
    /** That kind alone. */
    constexpr event_mask(on kind) noexcept : bits_(static_cast<drt_event_mask>(kind)) {}
    /** Any of `DRT_ON_CREATE`, `DRT_ON_UPDATE`, `DRT_ON_DELETE`. */
    constexpr event_mask(drt_event_mask bits) noexcept : bits_(bits) {}
    /** The same for the C ABI. */
    constexpr operator drt_event_mask() const noexcept { return bits_; }
    /** Adds kinds. */
    constexpr event_mask &operator|=(event_mask more) noexcept {
        bits_ |= more.bits_;
        return *this;
    }

  private:
    drt_event_mask bits_ = 0;
};

/** Both kinds. */
constexpr event_mask operator|(on one, on other) noexcept {
    return event_mask(one) |= event_mask(other);
}
/** One kind more. */
constexpr event_mask operator|(event_mask some, on other) noexcept {
    return some |= event_mask(other);
}

/** Options of a client; see `drt_client_options`. What is empty or zero is the default. */
struct client_options {
    /** Required: `http(s)://host[:port][/base]` or `ws(s)://host[:port]/path`; several, with
     * commas between, are replicas. */
    std::string url{};
    /** How the credentials are shown; by the first message. */
    drt::auth_mode auth_mode = drt::auth_mode::handshake;
    /** A static token or a JWT. */
    std::string access_token{};
    /** For a login, with `password`. */
    std::string email{};
    /** For a login, with `email`. */
    std::string password{};
    /** Good for one use; its successors are kept in memory. */
    std::string refresh_token{};
    /** Who runs callbacks; a thread of the library's. */
    drt::delivery delivery = drt::delivery::thread;
    /** For DNS, TCP, TLS and upgrade together; ten seconds. */
    std::chrono::milliseconds connect_timeout{};
    /** For every answer of the server; ten seconds. */
    std::chrono::milliseconds ack_timeout{};
    /** The silence after which the client asks, and again after which the link is dead; 25
     * seconds. */
    std::chrono::milliseconds heartbeat{};
    /** The first backoff's upper bound; 250 ms. */
    std::chrono::milliseconds reconnect_min{};
    /** Every backoff's upper bound; ten seconds. */
    std::chrono::milliseconds reconnect_max{};
    /** Failed attempts to reconnect before `state::failed`; 0 = never. */
    std::uint32_t reconnect_attempts = 0;
    /** Bytes that may wait for the application; 64 MiB. */
    std::uint64_t queue_bytes = 0;
    /** A file of PEM roots to trust beside the system's. */
    std::string ca_file{};
    /** A proxy that tunnels by CONNECT: `http://[user:password@]host:port`. */
    std::string proxy{};
    /** A file with the PEM certificate chain to show, with `client_key_file`. */
    std::string client_cert_file{};
    /** A file with its PEM key. */
    std::string client_key_file{};
    /** More headers of the upgrade request, as lines `Name: value`. */
    std::string headers{};
    /** The User-Agent header; `directus-realtime/VERSION`. */
    std::string user_agent{};
    /** Bytes of the largest message that is taken; 256 MiB. */
    std::uint64_t max_message_bytes = 0;
    /** Bytes of messages and requests that may wait for a usable link; 0 = none. */
    std::uint64_t send_queue_bytes = 0;

    /** The same for the C ABI. It refers to this object. */
    drt_client_options c() const noexcept {
        drt_client_options raw = DRT_CLIENT_OPTIONS_INIT;
        raw.url = detail::text_or_null(url);
        raw.auth_mode = static_cast<drt_auth_mode>(auth_mode);
        raw.access_token = detail::text_or_null(access_token);
        raw.email = detail::text_or_null(email);
        raw.password = detail::text_or_null(password);
        raw.refresh_token = detail::text_or_null(refresh_token);
        raw.delivery = static_cast<drt_delivery>(delivery);
        raw.connect_timeout_ms = detail::milliseconds(connect_timeout);
        raw.ack_timeout_ms = detail::milliseconds(ack_timeout);
        raw.heartbeat_ms = detail::milliseconds(heartbeat);
        raw.reconnect_min_ms = detail::milliseconds(reconnect_min);
        raw.reconnect_max_ms = detail::milliseconds(reconnect_max);
        raw.reconnect_attempts = reconnect_attempts;
        raw.queue_bytes = queue_bytes;
        raw.ca_file = detail::text_or_null(ca_file);
        raw.proxy = detail::text_or_null(proxy);
        raw.client_cert_file = detail::text_or_null(client_cert_file);
        raw.client_key_file = detail::text_or_null(client_key_file);
        raw.headers = detail::text_or_null(headers);
        raw.user_agent = detail::text_or_null(user_agent);
        raw.max_message_bytes = max_message_bytes;
        raw.send_queue_bytes = send_queue_bytes;
        return raw;
    }
};

/** Options of a subscription; see `drt_subscription_options`. What is empty or zero is the
 * default. */
struct subscription_options {
    /** Required. */
    std::string collection{};
    /** A JSON object: fields, filter, sort, limit, search, deep, alias, meta ... */
    std::string query{};
    /** Names the subscription within its client; empty = one is generated. */
    std::string uid{};
    /** Survives its object, its scope and the collective ways of unsubscribing. */
    bool persistent = false;
    /** Which changes to tell of, for instance `drt::on::create | drt::on::delete_`, or any of
     * `DRT_ON_CREATE`, `DRT_ON_UPDATE`, `DRT_ON_DELETE`; none = all. */
    event_mask events{};
    /** The primary key of the one item to watch; empty = the collection. */
    std::string item{};
    /** The name of the primary key; `id`. */
    std::string primary_key{};
    /** How changes are cut into events; one for each item. */
    drt::granularity granularity = drt::granularity::per_item;
    /** Which snapshot an INIT carries; an exact one. */
    drt::snapshot snapshot = drt::snapshot::exact;

    /** The same for the C ABI. It refers to this object. */
    drt_subscription_options c() const noexcept {
        drt_subscription_options raw = DRT_SUBSCRIPTION_OPTIONS_INIT;
        raw.collection = collection.c_str();
        raw.query = detail::text_or_null(query);
        raw.uid = detail::text_or_null(uid);
        raw.persistent = persistent;
        raw.events = events;
        raw.item = detail::text_or_null(item);
        raw.primary_key = detail::text_or_null(primary_key);
        raw.granularity = static_cast<drt_granularity>(granularity);
        raw.snapshot = static_cast<drt_snapshot>(snapshot);
        return raw;
    }
};

namespace detail {

inline const char *flaw(const client_options &options) noexcept {
    return flaw({{options.url, "`url` has a NUL byte in it"},
                 {options.access_token, "`access_token` has a NUL byte in it"},
                 {options.email, "`email` has a NUL byte in it"},
                 {options.password, "`password` has a NUL byte in it"},
                 {options.refresh_token, "`refresh_token` has a NUL byte in it"},
                 {options.ca_file, "`ca_file` has a NUL byte in it"},
                 {options.proxy, "`proxy` has a NUL byte in it"},
                 {options.client_cert_file, "`client_cert_file` has a NUL byte in it"},
                 {options.client_key_file, "`client_key_file` has a NUL byte in it"},
                 {options.headers, "`headers` has a NUL byte in it"},
                 {options.user_agent, "`user_agent` has a NUL byte in it"}});
}

inline const char *flaw(const subscription_options &options) noexcept {
    return flaw({{options.collection, "`collection` has a NUL byte in it"},
                 {options.query, "`query` has a NUL byte in it"},
                 {options.uid, "`uid` has a NUL byte in it"},
                 {options.item, "`item` has a NUL byte in it"},
                 {options.primary_key, "`primary_key` has a NUL byte in it"}});
}

/** C strings have none. */
inline const char *flaw(const drt_client_options &) noexcept { return nullptr; }
inline const char *flaw(const drt_subscription_options &) noexcept { return nullptr; }

/** The option structs of the C ABI. */
inline drt_client_options raw(const client_options &options) noexcept { return options.c(); }
inline drt_client_options raw(const drt_client_options &options) noexcept { return options; }
inline drt_subscription_options raw(const subscription_options &options) noexcept {
    return options.c();
}
inline drt_subscription_options raw(const drt_subscription_options &options) noexcept {
    return options;
}

/** A template parameter that can be one type only: nothing converts to it, and braces are never
 * taken for it. */
template <class Given, class Wanted>
using exactly = std::enable_if_t<std::is_same_v<Given, Wanted>, int>;

} // namespace detail

/* ---- Events -------------------------------------------------------------------------------- */

/** The state of a client. */
enum class state : std::int32_t {
    idle = DRT_STATE_IDLE,
    connecting = DRT_STATE_CONNECTING,
    authenticating = DRT_STATE_AUTHENTICATING,
    connected = DRT_STATE_CONNECTED,
    backoff = DRT_STATE_BACKOFF,
    failed = DRT_STATE_FAILED,
    closed = DRT_STATE_CLOSED
};

/** What happened. */
enum class event_kind : std::uint32_t {
    init = DRT_EVENT_INIT,
    create = DRT_EVENT_CREATE,
    update = DRT_EVENT_UPDATE,
    delete_ = DRT_EVENT_DELETE,
    error = DRT_EVENT_ERROR
};

/** The name of a kind: `"init"`, `"create"`, `"update"`, `"delete"` or `"error"`. A static string.
 */
inline const char *event_kind_name(event_kind kind) noexcept {
    switch (kind) {
    case event_kind::init:
        return "init";
    case event_kind::create:
        return "create";
    case event_kind::update:
        return "update";
    case event_kind::delete_:
        return "delete";
    case event_kind::error:
        return "error";
    }
    return "unknown";
}

/** Something that happened on the server. Views are valid during the callback only. */
class event {
  public:
    /** Looks at the library's own. */
    explicit event(const drt_event &raw) noexcept : raw_(&raw) {}

    /** What happened. */
    event_kind kind() const noexcept { return static_cast<event_kind>(raw_->kind); }
    /** Whether an item was made, changed or deleted; not so the INIT that comes first and after
     * each gap, whatever kinds of events are wanted, nor an ERROR. */
    bool is_change() const noexcept { return drt_event_is_change(raw_); }
    /** JSON: the item, the snapshot, `{"<primary_key>": key}`, or `{"code", "message"}`. Empty
     * where there is none. */
    std::string_view data() const noexcept { return detail::view(raw_->data, raw_->data_len); }
    /** The server's `meta`, as JSON. Empty where there is none. */
    std::string_view meta() const noexcept { return detail::view(raw_->meta, raw_->meta_len); }
    /** The subscription's uid. */
    std::string_view uid() const noexcept { return detail::view(raw_->uid, raw_->uid_len); }
    /** The subscription's collection. */
    std::string_view collection() const noexcept {
        return detail::view(raw_->collection, raw_->collection_len);
    }
    /** Whose event it is, as `subscription::c()` has it. */
    drt_subscription *subscription() const noexcept { return raw_->subscription; }
    /** An INIT that follows a gap: it replaces what was known before. */
    bool resync() const noexcept { return (raw_->flags & DRT_FLAG_RESYNC) != 0; }
    /** An ERROR that is the subscription's end. */
    bool ended() const noexcept { return (raw_->flags & DRT_FLAG_ENDED) != 0; }
    /** Counts the client's events from 1, without holes. */
    std::uint64_t sequence() const noexcept { return raw_->sequence; }
    /** The item's place in its server message. */
    std::uint32_t index() const noexcept { return raw_->index; }
    /** The number of items in that message. */
    std::uint32_t count() const noexcept { return raw_->count; }
    /** The library's own. */
    const drt_event &c() const noexcept { return *raw_; }

  private:
    const drt_event *raw_;
};

/** What callbacks may be; any other callable will do, also one that can only be moved. */
using event_callback = std::function<void(const event &)>;

/* ---- Subscriptions ------------------------------------------------------------------------- */

/** A subscription among others; see `client::active_subscriptions`. */
struct subscription_info {
    /** Its uid. */
    std::string uid;
    /** Its collection. */
    std::string collection;
    /** Whether it survives its scope. */
    bool persistent;
    /** Whether the server has confirmed it on the present link. */
    bool active;
    /** The sequence number of its last event; 0 = none yet. */
    std::uint64_t last_sequence;
    /** The library's own, as `subscription::c()` has it. */
    drt_subscription *handle;
};

namespace detail {

/** What a call of subscribe has made, or found. */
struct made {
    drt_client *client = nullptr;
    drt_subscription *handle = nullptr;
    std::uint64_t key = 0;
    bool owns = false;
    bool is_duplicate = false;
};

} // namespace detail

/**
 * A subscription, or nothing. One that was made by a client ends with this object, unless it is
 * persistent or was let go of with `detach`; one that was made by a scope ends with the scope.
 *
 * Where destruction or an assignment ends it, that waits for its callback, if it runs, unless it
 * happens in that very callback.
 */
class subscription {
  public:
    /** Nothing. */
    subscription() noexcept = default;
    /** One of the C ABI, which ends with this object if that owns it. */
    subscription(drt_subscription *handle, bool owns) noexcept : handle_(handle), owns_(owns) {}
    /** For this header's own use. */
    explicit subscription(const detail::made &made) noexcept
        : handle_(made.handle), client_(made.client), key_(made.key), owns_(made.owns),
          is_duplicate_(made.is_duplicate) {}
    /** Takes it over; the other is nothing then. */
    subscription(subscription &&other) noexcept
        : handle_(other.handle_.exchange(nullptr)), client_(other.client_),
          key_(std::exchange(other.key_, 0)), owns_(other.owns_),
          is_duplicate_(std::exchange(other.is_duplicate_, false)) {}
    /** Ends its own, and takes the other over. */
    subscription &operator=(subscription &&other) noexcept {
        if (this != &other) {
            end();
            handle_ = other.handle_.exchange(nullptr);
            client_ = other.client_;
            key_ = std::exchange(other.key_, 0);
            owns_ = other.owns_;
            is_duplicate_ = std::exchange(other.is_duplicate_, false);
        }
        return *this;
    }
    /** Ends it where it is owned; see the class. */
    ~subscription() { end(); }

    /** Waits until the server has confirmed it: its snapshot is on the way to the callback then.
     * Not inside a callback. Errors: `status::timeout`, `server` (it was refused, with the
     * server's words), `closed`, `would_deadlock`, and the reason when the client fails. */
    void wait(std::chrono::milliseconds timeout = (std::chrono::milliseconds::max)()) const {
        detail::check(drt_subscription_wait(handle_, detail::milliseconds(timeout)));
    }
    /** The same with an error code. */
    void wait(std::chrono::milliseconds timeout, std::error_code &ec) const noexcept {
        detail::check(drt_subscription_wait(handle_, detail::milliseconds(timeout)), ec);
    }

    /** Ends it now, also one that is persistent, detached or somebody else's. When this returns
     * its callback does not run and will not, unless this was called inside of it. False when it
     * had ended already. Errors: `status::forked`. */
    bool unsubscribe() {
        const drt_status result = drt_subscription_unsubscribe(handle_.exchange(nullptr));
        if (result == DRT_ERR_INVALID_HANDLE) {
            return false;
        }
        detail::check(result);
        return true;
    }

    /** It lives on without this object, until its client ends, or it is ended by its uid. The
     * object is empty then; `c()` and `uid()` can be asked before. */
    void detach() noexcept { handle_ = nullptr; }

    /** Its uid, also one that was generated; empty when it has ended. Looks through the client's
     * subscriptions. */
    std::string uid() const {
        std::string found;
        drt_subscription *const wanted = handle_;
        detail::visit(client_, [&](const drt_subscription_info &info) {
            const bool is_it = info.handle == wanted;
            if (is_it) {
                found.assign(info.uid, info.uid_len);
            }
            return !is_it;
        });
        return found;
    }
    /** The number by which `client::drain` names it, different from that of all others that live.
     * It stays when the subscription ends. 0 for nothing, and for a duplicate: there the one that
     * was first has it. */
    std::uint64_t key() const noexcept { return key_; }
    /** Whether its uid was taken: this stands for the subscription that has it, without ending
     * it, and the callback that came with it is not used. */
    bool is_duplicate() const noexcept { return is_duplicate_; }
    /** Whether this stands for a subscription; it may have ended by itself. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /** The library's own; NULL in an empty object. */
    drt_subscription *c() const noexcept { return handle_; }

  private:
    void end() noexcept {
        drt_subscription *const handle = handle_.exchange(nullptr);
        if (owns_ && handle != nullptr) {
            drt_subscription_unsubscribe(handle);
        }
    }

    std::atomic<drt_subscription *> handle_{nullptr};
    drt_client *client_ = nullptr;
    std::uint64_t key_ = 0;
    bool owns_ = false;
    bool is_duplicate_ = false;
};

namespace detail {

template <class F> void on_event(const drt_event *raw, void *user_data) {
    auto &kept_one = *static_cast<kept<F> *>(user_data);
    const event seen(*raw);
    run(kept_one.client, [&] { static_cast<void>(std::invoke(kept_one.callable, seen)); });
}

template <class Options, class F>
made subscribe(drt_client *client, drt_scope *scope, const Options &options, F &&callback,
               std::error_code *ec) {
    using callable = std::decay_t<F>;
    static_assert(std::is_invocable_v<callable &, const event &>,
                  "the callback is to be called with a const drt::event &");
    made result;
    const char *complaint = is_empty(callback) ? "`callback` is empty" : flaw(options);
    if (complaint != nullptr) {
        check(refuse(complaint), ec);
        return result;
    }
    const drt_subscription_options wish = raw(options);
    const auto call = [&](void *user_data, drt_release_fn release) {
        result.key = reinterpret_cast<std::uintptr_t>(user_data);
        return drt_subscribe(client, scope, &wish, on_event<callable>, user_data, release,
                             &result.handle);
    };
    const drt_status told = hand_over(client, std::forward<F>(callback), ec, call);
    result.client = client;
    result.is_duplicate = told == DRT_DUPLICATE;
    result.key = told == DRT_OK ? result.key : 0;
    result.owns = told == DRT_OK && scope == nullptr && !wish.persistent;
    return result;
}

} // namespace detail

/* ---- Scopes -------------------------------------------------------------------------------- */

/**
 * Subscriptions that end together: with `close`, or with this object. Persistent ones live on.
 *
 * Where destruction or an assignment closes it, that waits as `close` does.
 */
class scope {
  public:
    /** Nothing. */
    scope() noexcept = default;
    /** In a client of the C ABI. Errors: `status::invalid_handle`, `closed`. */
    explicit scope(drt_client *client) : client_(client) { detail::check(open(client)); }
    /** The same with an error code, after which the object is empty. */
    scope(drt_client *client, std::error_code &ec) noexcept : client_(client) {
        detail::check(open(client), ec);
    }
    /** Takes it over; the other is nothing then. */
    scope(scope &&other) noexcept
        : client_(other.client_), handle_(other.handle_.exchange(nullptr)) {}
    /** Closes its own, and takes the other over. */
    scope &operator=(scope &&other) noexcept {
        if (this != &other) {
            close();
            client_ = other.client_;
            handle_ = other.handle_.exchange(nullptr);
        }
        return *this;
    }
    /** Closes it; see the class. */
    ~scope() { close(); }

    /** Subscribes until the scope ends; the result may be dropped. Errors: those of
     * `client::subscribe`, and `status::invalid_handle` when the scope is closed. */
    template <class F> subscription subscribe(const subscription_options &options, F &&callback) {
        return make(options, std::forward<F>(callback), nullptr);
    }
    /** The same with an error code, after which the result is empty. */
    template <class F>
    subscription subscribe(const subscription_options &options, F &&callback, std::error_code &ec) {
        return make(options, std::forward<F>(callback), &ec);
    }
    /** With the options of the C ABI. */
    template <class Raw, class F, detail::exactly<Raw, drt_subscription_options> = 0>
    subscription subscribe(const Raw &options, F &&callback) {
        return make(options, std::forward<F>(callback), nullptr);
    }
    /** With the options of the C ABI, and an error code. */
    template <class Raw, class F, detail::exactly<Raw, drt_subscription_options> = 0>
    subscription subscribe(const Raw &options, F &&callback, std::error_code &ec) {
        return make(options, std::forward<F>(callback), &ec);
    }

    /** Ends its subscriptions but the persistent ones. When this returns none of their callbacks
     * runs, but for one that it was called in. Nothing happens when it is closed already. */
    void close() noexcept {
        drt_scope *const handle = handle_.exchange(nullptr);
        if (handle != nullptr) {
            drt_scope_close(handle);
        }
    }

    /** Whether it is open. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /** The library's own; NULL once it is closed. */
    drt_scope *c() const noexcept { return handle_; }

  private:
    drt_status open(drt_client *client) noexcept {
        drt_scope *made = nullptr;
        const drt_status result = drt_scope_new(client, &made);
        handle_ = made;
        return result;
    }

    template <class Options, class F>
    subscription make(const Options &options, F &&callback, std::error_code *ec) {
        drt_scope *const handle = handle_;
        if (handle == nullptr) {
            // To the C ABI, NULL is no scope at all.
            detail::refuse("the scope is closed, or was moved from");
            detail::check(DRT_ERR_INVALID_HANDLE, ec);
            return {};
        }
        return subscription(
            detail::subscribe(client_, handle, options, std::forward<F>(callback), ec));
    }

    drt_client *client_ = nullptr;
    std::atomic<drt_scope *> handle_{nullptr};
};

/* ---- Clients ------------------------------------------------------------------------------- */

namespace detail {

template <class F>
void on_state(drt_client *, drt_state now, drt_status reason, const char *message,
              void *user_data) {
    auto &kept_one = *static_cast<kept<F> *>(user_data);
    run(kept_one.client, [&] {
        static_cast<void>(std::invoke(kept_one.callable, static_cast<state>(now), to_status(reason),
                                      view(message)));
    });
}

template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};

/** What a callback for tokens has returned; empty = the token comes later. */
template <class T> std::string token_of(T &&answer) {
    using plain = std::decay_t<T>;
    if constexpr (is_optional<plain>::value) {
        return answer ? token_of(*std::forward<T>(answer)) : std::string();
    } else if constexpr (std::is_pointer_v<plain>) {
        return std::string(view(answer));
    } else if constexpr (std::is_convertible_v<T, std::string>) {
        return std::forward<T>(answer);
    } else {
        return std::string(std::string_view(answer));
    }
}

inline drt_status set_token(drt_client *client, const std::string &access_token) noexcept {
    return has_nul(access_token) ? refuse("`access_token` has a NUL byte in it")
                                 : drt_client_set_token(client, access_token.c_str());
}

template <class F> void on_token(drt_client *client, drt_status reason, void *user_data) {
    auto &ask = static_cast<kept<F> *>(user_data)->callable;
    run(client, [&] {
        if constexpr (std::is_void_v<std::invoke_result_t<F &, status>>) {
            std::invoke(ask, to_status(reason));
        } else {
            const std::string token = token_of(std::invoke(ask, to_status(reason)));
            if (!token.empty()) {
                check(set_token(client, token));
            }
        }
    });
}

template <class F>
void on_reply(drt_status result, const char *json, std::size_t length, void *user_data) {
    auto &kept_one = *static_cast<kept<F> *>(user_data);
    run(kept_one.client, [&] {
        static_cast<void>(std::invoke(kept_one.callable, to_status(result), view(json, length)));
    });
}

/** Fulfils the promise behind a future. It is the library's own, and always runs. */
inline void on_answer(drt_status result, const char *json, std::size_t length, void *user_data) {
    auto &promise = static_cast<kept<std::promise<std::string>> *>(user_data)->callable;
    guard([&] {
        const std::string text(view(json, length));
        if (result == DRT_OK) {
            promise.set_value(text);
            return;
        }
        const std::string why = text.empty() ? "the request was not answered: " : text;
        promise.set_exception(std::make_exception_ptr(
            error(to_status(result), text.empty() ? why + sentence(result) : why)));
    });
}

} // namespace detail

/**
 * A client of a Directus server, or nothing.
 *
 * It is closed with this object: by destruction, or an assignment. That waits for a polite
 * farewell and for a callback that runs, but for no longer than five seconds. If a callback is
 * still running then, it goes on, and is the last; what it uses must outlive it. Those who cannot
 * promise that call `close` with a time of their own before, and look at its result.
 *
 * It may be closed anywhere:
 *
 * - In a callback of another client another thread closes it, and is waited for in the same way.
 *   With poll delivery its last callbacks run on that thread then.
 * - In a callback of its own nothing can be waited for. Its subscriptions end, and no callback of
 *   it is called any more once the running one has returned: the state `closed` and the answers
 *   to requests are not told (futures get `status::closed`). The rest happens afterwards, where
 *   callbacks run: the destructors of its callables. In poll delivery that is the thread that
 *   calls `dispatch` or `drain` of this class, as soon as the callback has returned; where
 *   `drt_client_dispatch` was called instead, a thread of its own.
 * - In a function of drt::set_log another thread closes it, and is not waited for.
 *
 * Callbacks that were registered with the functions of C count as those of another client: in one
 * of its own the five seconds pass in vain.
 */
class client {
  public:
    /** Nothing. */
    client() noexcept = default;
    /** Makes a client. Nothing goes out before `connect` or the first subscription. Errors:
     * `status::invalid_argument` (also for a URL), `invalid_utf8`, `tls` and `io` (files that
     * cannot be used). */
    explicit client(const client_options &options) { detail::check(open(options)); }
    /** The same with an error code, after which the object is empty. */
    client(const client_options &options, std::error_code &ec) noexcept {
        detail::check(open(options), ec);
    }
    /** With the options of the C ABI. */
    template <class Raw, detail::exactly<Raw, drt_client_options> = 0>
    explicit client(const Raw &options) {
        detail::check(open(options));
    }
    /** With the options of the C ABI, and an error code. */
    template <class Raw, detail::exactly<Raw, drt_client_options> = 0>
    client(const Raw &options, std::error_code &ec) noexcept {
        detail::check(open(options), ec);
    }
    /** Takes it over; the other is nothing then. */
    client(client &&other) noexcept : handle_(other.handle_.exchange(nullptr)) {}
    /** Closes its own, and takes the other over. */
    client &operator=(client &&other) noexcept {
        if (this != &other) {
            finish();
            handle_ = other.handle_.exchange(nullptr);
        }
        return *this;
    }
    /** Closes it; see the class. */
    ~client() { finish(); }

    /** Closes it now: subscriptions and scopes end, what waits is told, callables are destroyed.
     * Nothing happens when it is closed already. Not inside a callback. Errors:
     * `status::timeout` (a callback still runs; the rest happens when it returns),
     * `would_deadlock` (inside a callback; the client stays open), `closed` (another thread is
     * closing it), `forked`. */
    void close(std::chrono::milliseconds timeout = detail::farewell) {
        detail::check(shut(timeout));
    }
    /** The same with an error code. */
    void close(std::chrono::milliseconds timeout, std::error_code &ec) noexcept {
        detail::check(shut(timeout), ec);
    }

    /** Tells of every change of state: `(drt::state, drt::status reason, std::string_view why)`.
     * It takes the place of the one before; an empty callable takes that away. Errors:
     * `status::closed`. */
    template <class F> void on_state(F &&callback) {
        using callable = std::decay_t<F>;
        static_assert(std::is_invocable_v<callable &, drt::state, drt::status, std::string_view>,
                      "the callback is to be called with a drt::state, a drt::status and a "
                      "std::string_view");
        if (detail::is_empty(callback)) {
            return on_state(nullptr);
        }
        drt_client *const handle = handle_;
        const auto call = [handle](void *user_data, drt_release_fn release) {
            return drt_client_on_state(handle, detail::on_state<callable>, user_data, release);
        };
        detail::hand_over(handle, std::forward<F>(callback), nullptr, call);
    }
    /** Takes the callback away. */
    void on_state(std::nullptr_t) {
        detail::check(drt_client_on_state(handle_, nullptr, nullptr, nullptr));
    }

    /** Asks for tokens: `(drt::status reason)`. The answer is what it returns (a string, a
     * std::string_view, or a std::optional of these), or `set_token`, at once or later; an empty
     * one stands for later. An empty callable takes the one before away. Errors:
     * `status::closed`. */
    template <class F> void on_token(F &&callback) {
        using callable = std::decay_t<F>;
        static_assert(std::is_invocable_v<callable &, drt::status>,
                      "the callback is to be called with a drt::status");
        if (detail::is_empty(callback)) {
            return on_token(nullptr);
        }
        drt_client *const handle = handle_;
        const auto call = [handle](void *user_data, drt_release_fn release) {
            return drt_client_on_token(handle, detail::on_token<callable>, user_data, release);
        };
        detail::hand_over(handle, std::forward<F>(callback), nullptr, call);
    }
    /** Takes the callback away. */
    void on_token(std::nullptr_t) {
        detail::check(drt_client_on_token(handle_, nullptr, nullptr, nullptr));
    }

    /** Starts to connect and returns at once; the first subscription does that, too. Leaves
     * `state::failed`. Errors: `status::closed`. */
    void connect() { detail::check(drt_client_connect(handle_)); }
    /** The same with an error code. */
    void connect(std::error_code &ec) noexcept { detail::check(drt_client_connect(handle_), ec); }
    /** Drops the link, if there is one, and connects now. Errors: `status::closed`. */
    void reconnect() { detail::check(drt_client_reconnect(handle_)); }
    /** The same with an error code. */
    void reconnect(std::error_code &ec) noexcept {
        detail::check(drt_client_reconnect(handle_), ec);
    }
    /** Takes the link down until `connect` or `reconnect`; subscriptions are kept. Errors:
     * `status::closed`. */
    void disconnect() { detail::check(drt_client_disconnect(handle_)); }
    /** The same with an error code. */
    void disconnect(std::error_code &ec) noexcept {
        detail::check(drt_client_disconnect(handle_), ec);
    }
    /** Replaces the access token; a live link is authenticated anew. Errors:
     * `status::invalid_argument`, `invalid_utf8`, `closed`. */
    void set_token(const std::string &access_token) {
        detail::check(detail::set_token(handle_, access_token));
    }
    /** The same with an error code. */
    void set_token(const std::string &access_token, std::error_code &ec) noexcept {
        detail::check(detail::set_token(handle_, access_token), ec);
    }

    /** The state now; `state::closed` where there is no client. */
    drt::state state() const noexcept { return static_cast<drt::state>(drt_client_state(handle_)); }
    /** Whether it is authenticated and usable. */
    bool is_connected() const noexcept { return drt_client_is_connected(handle_); }
    /** Waits until a state is, or was meanwhile, entered. Not inside a callback. Errors:
     * `status::timeout`, `would_deadlock`, and the reason when `failed` or `closed` is entered
     * instead. */
    void wait(drt::state wanted, std::chrono::milliseconds timeout) const {
        const auto number = static_cast<drt_state>(wanted);
        detail::check(drt_client_wait(handle_, number, detail::milliseconds(timeout)));
    }
    /** The same with an error code. */
    void wait(drt::state wanted, std::chrono::milliseconds timeout,
              std::error_code &ec) const noexcept {
        const auto number = static_cast<drt_state>(wanted);
        detail::check(drt_client_wait(handle_, number, detail::milliseconds(timeout)), ec);
    }
    /** The counters. */
    drt_stats stats() const {
        drt_stats counters = DRT_STATS_INIT;
        detail::check(drt_client_stats(handle_, &counters));
        return counters;
    }

    /** A scope in this client. Errors: `status::closed`. */
    drt::scope scope() { return drt::scope(handle_); }
    /** The same with an error code, after which the result is empty. */
    drt::scope scope(std::error_code &ec) noexcept { return drt::scope(handle_, ec); }

    /** Follows a collection, or an item of it: `(const drt::event &)`. It ends with the result,
     * unless it is persistent. Where the uid is taken, the result stands for the subscription
     * that has it (`is_duplicate`), without ending it. Errors: `status::invalid_argument` (also
     * for an empty callable), `invalid_utf8`, `invalid_json`, `not_connected` (the client has
     * failed), `closed`. What the server refuses comes as an event, and from
     * `subscription::wait`. */
    template <class F>
    [[nodiscard]] subscription subscribe(const subscription_options &options, F &&callback) {
        return make(options, std::forward<F>(callback), nullptr);
    }
    /** The same with an error code, after which the result is empty. */
    template <class F>
    [[nodiscard]] subscription subscribe(const subscription_options &options, F &&callback,
                                         std::error_code &ec) {
        return make(options, std::forward<F>(callback), &ec);
    }
    /** With the options of the C ABI. */
    template <class Raw, class F, detail::exactly<Raw, drt_subscription_options> = 0>
    [[nodiscard]] subscription subscribe(const Raw &options, F &&callback) {
        return make(options, std::forward<F>(callback), nullptr);
    }
    /** With the options of the C ABI, and an error code. */
    template <class Raw, class F, detail::exactly<Raw, drt_subscription_options> = 0>
    [[nodiscard]] subscription subscribe(const Raw &options, F &&callback, std::error_code &ec) {
        return make(options, std::forward<F>(callback), &ec);
    }
    /** The same for a subscription that lives as long as the client, as `persistent` has it
     * whatever the options say: the result may be dropped. */
    template <class F>
    subscription subscribe_persistent(subscription_options options, F &&callback) {
        options.persistent = true;
        return make(options, std::forward<F>(callback), nullptr);
    }
    /** The same with an error code, after which the result is empty. */
    template <class F>
    subscription subscribe_persistent(subscription_options options, F &&callback,
                                      std::error_code &ec) {
        options.persistent = true;
        return make(options, std::forward<F>(callback), &ec);
    }

    /** Ends a subscription by its uid, persistent or not; false when there is none. Waits for its
     * callback, if it runs elsewhere. Errors: `status::invalid_argument`, `invalid_utf8`,
     * `closed`. */
    bool unsubscribe(const std::string &uid) {
        const drt_status result = detail::has_nul(uid)
                                      ? detail::refuse("`uid` has a NUL byte in it")
                                      : drt_unsubscribe(handle_, uid.c_str());
        if (result == DRT_ERR_NOT_FOUND) {
            return false;
        }
        detail::check(result);
        return true;
    }
    /** Ends a collection's subscriptions but the persistent ones; how many those are. Waits for a
     * callback of theirs that runs elsewhere. Errors: `status::invalid_argument`,
     * `invalid_utf8`, `closed`. */
    std::size_t unsubscribe_collection(const std::string &collection) {
        std::size_t ended = 0;
        detail::check(detail::has_nul(collection)
                          ? detail::refuse("`collection` has a NUL byte in it")
                          : drt_unsubscribe_collection(handle_, collection.c_str(), &ended));
        return ended;
    }
    /** Ends all subscriptions but the persistent ones; how many those are. Waits for a callback
     * of theirs that runs elsewhere. Errors: `status::closed`. */
    std::size_t unsubscribe_all() {
        std::size_t ended = 0;
        detail::check(drt_unsubscribe_all(handle_, &ended));
        return ended;
    }
    /** Whether a subscription has that uid. */
    bool has_subscription(const std::string &uid) const noexcept {
        return !detail::has_nul(uid) && drt_has_subscription(handle_, uid.c_str());
    }
    /** The subscriptions, in the order in which they were made. Errors: `status::closed`. */
    std::vector<subscription_info> active_subscriptions() const {
        std::vector<subscription_info> found;
        detail::check(detail::visit(handle_, [&found](const drt_subscription_info &info) {
            found.push_back({std::string(info.uid, info.uid_len),
                             std::string(info.collection, info.collection_len), info.persistent,
                             info.status == DRT_SUB_ACTIVE, info.last_sequence, info.handle});
            return true;
        }));
        return found;
    }

    /** Sends a message, a JSON object with a `type`, that expects no answer. Errors:
     * `status::invalid_json`, `invalid_argument`, `invalid_utf8`, `not_connected`, `queue_full`,
     * `closed`. */
    void send_message(const std::string &json) { detail::check(send(json)); }
    /** The same with an error code. */
    void send_message(const std::string &json, std::error_code &ec) noexcept {
        detail::check(send(json), ec);
    }

    /** Sends a message; `(drt::status, std::string_view json)` runs once, with the answer, or the
     * server's error. Errors: those of `send_message`, also `status::invalid_argument` for an
     * empty callable; then it does not run. */
    template <class F>
    void request(const std::string &json, std::chrono::milliseconds timeout, F &&callback) {
        ask(json, timeout, std::forward<F>(callback), nullptr);
    }
    /** The same with an error code. */
    template <class F>
    void request(const std::string &json, std::chrono::milliseconds timeout, F &&callback,
                 std::error_code &ec) {
        ask(json, timeout, std::forward<F>(callback), &ec);
    }
    /** The same as a future: the answer, or a drt::error whose message is the server's error. Not
     * to be waited for where callbacks run. */
    [[nodiscard]] std::future<std::string>
    request(const std::string &json, std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
        std::promise<std::string> promise;
        auto answer = promise.get_future();
        send(json, timeout, detail::on_answer, std::move(promise), nullptr);
        return answer;
    }

    /** Poll delivery: readable while something waits; -1 in thread delivery. */
    int fd() const noexcept { return drt_client_fd(handle_); }
    /** Poll delivery: runs callbacks that are due, on this thread; how many. Without a timeout, or
     * with a negative one, it waits until there is one; 0 `max_events` means all that wait. Not
     * inside a callback. Errors: `status::invalid_argument` (thread delivery), `would_deadlock`,
     * `closed`. */
    std::size_t dispatch(std::optional<std::chrono::milliseconds> timeout = {},
                         std::size_t max_events = 0) {
        std::size_t done = 0;
        detail::check(take_turn(timeout, max_events, done));
        return done;
    }
    /** The same with an error code. */
    std::size_t dispatch(std::optional<std::chrono::milliseconds> timeout, std::size_t max_events,
                         std::error_code &ec) noexcept {
        std::size_t done = 0;
        detail::check(take_turn(timeout, max_events, done), ec);
        return done;
    }
    /** Poll delivery: events as a JSON array, valid until the next call, instead of their
     * callbacks; see `drt_client_drain`. The first member of each is the `subscription::key` of
     * its subscription. The other callbacks run; `*drained` counts these and the events. Times
     * and errors are those of `dispatch`. */
    std::string_view drain(std::optional<std::chrono::milliseconds> timeout = {},
                           std::size_t max_events = 0, std::size_t *drained = nullptr) {
        std::string_view json;
        detail::check(take_turn(timeout, max_events, json, drained));
        return json;
    }
    /** The same with an error code. */
    std::string_view drain(std::optional<std::chrono::milliseconds> timeout, std::size_t max_events,
                           std::size_t *drained, std::error_code &ec) noexcept {
        std::string_view json;
        detail::check(take_turn(timeout, max_events, json, drained), ec);
        return json;
    }

    /** Whether there is a client that this object has not closed. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /** The library's own; NULL once it is closed. */
    drt_client *c() const noexcept { return handle_; }

  private:
    template <class Options> drt_status open(const Options &options) noexcept {
        const char *complaint = detail::flaw(options);
        if (complaint != nullptr) {
            return detail::refuse(complaint);
        }
        const drt_client_options raw = detail::raw(options);
        drt_client *made = nullptr;
        const drt_status result = drt_client_new(&raw, &made);
        handle_ = made;
        return result;
    }

    drt_status shut(std::chrono::milliseconds timeout) noexcept {
        drt_client *handle = handle_;
        if (handle == nullptr) {
            return DRT_OK;
        }
        const drt_status result = drt_client_close(handle, detail::milliseconds(timeout));
        if (result != DRT_ERR_WOULD_DEADLOCK) {
            handle_.compare_exchange_strong(handle, nullptr);
        }
        // Then somebody has closed it by its handle.
        return result == DRT_ERR_INVALID_HANDLE ? DRT_OK : result;
    }

    void finish() noexcept {
        drt_client *const handle = handle_.exchange(nullptr);
        if (handle != nullptr) {
            detail::end(handle);
        }
    }

    template <class Options, class F>
    subscription make(const Options &options, F &&callback, std::error_code *ec) {
        return subscription(
            detail::subscribe(handle_, nullptr, options, std::forward<F>(callback), ec));
    }

    drt_status send(const std::string &json) noexcept {
        return detail::has_nul(json) ? detail::refuse("`json` has a NUL byte in it")
                                     : drt_send_message(handle_, json.c_str());
    }

    template <class F>
    void ask(const std::string &json, std::chrono::milliseconds timeout, F &&callback,
             std::error_code *ec) {
        using callable = std::decay_t<F>;
        static_assert(std::is_invocable_v<callable &, drt::status, std::string_view>,
                      "the callback is to be called with a drt::status and a std::string_view");
        if (detail::is_empty(callback)) {
            detail::check(detail::refuse("`callback` is empty"), ec);
            return;
        }
        send(json, timeout, detail::on_reply<callable>, std::forward<F>(callback), ec);
    }

    template <class F>
    void send(const std::string &json, std::chrono::milliseconds timeout, drt_reply_fn function,
              F &&callback, std::error_code *ec) {
        if (detail::has_nul(json)) {
            detail::check(detail::refuse("`json` has a NUL byte in it"), ec);
            return;
        }
        drt_client *const handle = handle_;
        const auto call = [&](void *user_data, drt_release_fn release) {
            return drt_request(handle, json.c_str(), detail::milliseconds(timeout), function,
                               user_data, release);
        };
        detail::hand_over(handle, std::forward<F>(callback), ec, call);
    }

    // The callbacks may end this object: it is not looked at after the calls.

    drt_status take_turn(std::optional<std::chrono::milliseconds> timeout, std::size_t max_events,
                         std::size_t &done) noexcept {
        drt_client *const handle = handle_;
        const detail::turn now(handle);
        const drt_status result =
            drt_client_dispatch(handle, detail::dispatch_timeout(timeout), max_events, &done);
        now.end();
        return result;
    }

    drt_status take_turn(std::optional<std::chrono::milliseconds> timeout, std::size_t max_events,
                         std::string_view &json, std::size_t *drained) noexcept {
        drt_client *const handle = handle_;
        const detail::turn now(handle);
        const char *text = nullptr;
        std::size_t length = 0;
        const drt_status result = drt_client_drain(handle, detail::dispatch_timeout(timeout),
                                                   max_events, &text, &length, drained);
        if (!now.end()) {
            json = detail::view(text, length);
        }
        return result;
    }

    std::atomic<drt_client *> handle_{nullptr};
};

/* ---- Log ----------------------------------------------------------------------------------- */

namespace detail {

using kept_log = std::shared_ptr<const log_function>;

inline void on_log(drt_log_level level, const char *target, const char *message, void *user_data) {
    const log_frame inside;
    guard([&] {
        const log_function &log = **static_cast<const kept_log *>(user_data);
        log(static_cast<log_level>(level), view(target), view(message));
    });
}

inline void release_log(void *user_data) {
    const log_frame inside;
    delete static_cast<kept_log *>(user_data);
}

/** Replaces the function of the log; the one before is destroyed when nobody is in it any more. */
inline drt_status set_log(log_level most, kept_log function) {
    // After the lock is given back, since this may destroy the callable that was there.
    kept_log before;
    log_place &place = the_log();
    const std::lock_guard<std::mutex> locked(place.lock);
    const drt_status result = function == nullptr
                                  ? drt_set_log(DRT_LOG_OFF, nullptr, nullptr, nullptr)
                                  : drt_set_log(static_cast<drt_log_level>(most), on_log,
                                                new kept_log(function), release_log);
    if (result == DRT_OK) {
        before = std::exchange(place.function, std::move(function));
    }
    return result;
}

} // namespace detail

/** Ends the log. */
inline void end_log() noexcept { detail::set_log(log_level::off, nullptr); }

/** Sets where the log of all clients goes, up to a level: `(drt::log_level, std::string_view
 * target, std::string_view message)`, on any thread, on several at once. No secret is in it, but
 * for what an exception of a callback says: those are logged, too (see drt::on_exception). An
 * empty callable ends the log. Errors: `status::invalid_argument`. */
template <class F> void set_log(log_level most, F &&callback) {
    using callable = std::decay_t<F>;
    static_assert(std::is_invocable_v<callable &, log_level, std::string_view, std::string_view>,
                  "the callback is to be called with a drt::log_level and two std::string_view");
    if (most == log_level::off || detail::is_empty(callback)) {
        return end_log();
    }
    // It need not be one that can be copied, and its destructor may throw.
    const auto destroy = [](callable *kept) { detail::guard([kept] { delete kept; }); };
    const std::shared_ptr<callable> kept(new callable(std::forward<F>(callback)), destroy);
    auto call = [kept](log_level level, std::string_view target, std::string_view message) {
        static_cast<void>(std::invoke(*kept, level, target, message));
    };
    detail::check(
        detail::set_log(most, std::make_shared<const detail::log_function>(std::move(call))));
}
/** Ends the log. */
inline void set_log(log_level, std::nullptr_t) noexcept { end_log(); }

} // namespace drt

#undef DRT_DETAIL_SHARED

#endif // DIRECTUS_REALTIME_HPP
