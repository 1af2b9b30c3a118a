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
 * Clients, scopes and subscriptions are move-only values. Their destructors close the client or
 * scope, or end the subscription. The rules of directus_realtime.h on threads, callbacks and
 * blocking calls hold, with these additions:
 *
 * - Errors: a call that fails throws drt::error, or sets the std::error_code that is passed to it;
 *   drt::last_error() describes the failure. Each function lists its errors. Calls on an empty
 *   object (default constructed, moved from, closed) fail with `status::invalid_handle`.
 * - Callbacks are any callables, also move-only ones. An exception that leaves a callback or the
 *   destructor of a callable goes to drt::on_exception.
 * - Threads: every member function may be called from any thread at any time, also on the same
 *   object. Moving, assigning to and destroying an object is for one thread alone, as with any
 *   value.
 * - Waiting: `unsubscribe`, `scope::close`, destructors and assignments wait for a running
 *   callback of the subscription that they end, unless they are called in that callback. Hold no
 *   lock there that such a callback takes.
 * - Closing a client waits for its running callback, too, but for five seconds at most; see
 *   drt::client.
 * - Strings with a NUL byte are `status::invalid_argument`.
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
#include <type_traits>
#include <utility>
#include <vector>

#include "directus_realtime.h"

/* Other libraries define common words as macros: Qt `forever`, `emit` and `slots`, X11 `None`,
 * Windows `min` and `max`. This header uses none of them as a name, and calls max in
 * parentheses. */

/* For objects that exist once per process, even where its libraries hide their symbols. */
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

/** The message of a status, where nothing more is known of the failure. */
inline const char *sentence(drt_status value) noexcept {
    switch (value) {
    case DRT_OK:
        return "success";
    case DRT_DUPLICATE:
        return "the uid is taken: the subscription that exists was returned";
    case DRT_ERR_INVALID_ARGUMENT:
        return "an argument has a value that the function cannot take";
    case DRT_ERR_INVALID_HANDLE:
        return "the object is empty, or its client, scope or subscription has ended";
    case DRT_ERR_INVALID_UTF8:
        return "a string is not UTF-8";
    case DRT_ERR_INVALID_JSON:
        return "a string is not JSON of the required form";
    case DRT_ERR_NOT_FOUND:
        return "no subscription has that uid";
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
        return "too many messages wait to be sent";
    case DRT_ERR_WOULD_DEADLOCK:
        return "the call would wait for the callback that it was made from";
    case DRT_ERR_FORKED:
        return "the object was inherited through fork()";
    case DRT_ERR_INTERNAL:
        return "internal error: this is a bug in directus-realtime, please report it";
    default:
        return "a result that this header does not know";
    }
}

/** The portable condition of <system_error> for a status. */
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

/** The category of the library's error codes. Their `message()` describes the status;
 * drt::last_error() and drt::error describe the failed call, and name the argument. */
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

/** The error code of a status; `ec == drt::status::timeout` compares with it. */
inline std::error_code make_error_code(status value) noexcept {
    return {static_cast<int>(value), category()};
}

/** The name of a status in C, for instance `"DRT_ERR_TIMEOUT"`. A static string. */
inline const char *status_name(status value) noexcept {
    return drt_status_name(static_cast<drt_status>(value));
}

/** The exception that failed calls throw. Copying it cannot fail. */
class DRT_DETAIL_SHARED error : public std::system_error {
  public:
    /** With this message. */
    error(drt::status status, const std::string &message)
        : error(status, texts{message, {}, {}, {}}) {}
    /** Copies share the texts. */
    error(const error &) noexcept = default;
    /** Copies share the texts. */
    error &operator=(const error &) noexcept = default;

    /** This thread's last failed call of this header; `status::ok` when no call has failed yet. In
     * the callback of a request that was not answered, its error. */
    static error last();

    /** The status of the failed call. */
    drt::status status() const noexcept { return static_cast<drt::status>(code().value()); }
    /** What was wrong, and with which argument. `what()` has this and the message of the
     * status. */
    const std::string &message() const noexcept { return texts_->message; }
    /** The argument or option that is wrong, for instance `url`; empty where none is. */
    const std::string &argument() const noexcept { return texts_->argument; }
    /** The code of the server's own error, for instance `FORBIDDEN`; empty where the server has not
     * refused, or gave none. */
    const std::string &server_code() const noexcept { return texts_->server_code; }
    /** The server's own error object as JSON; empty where the server has not refused. */
    const std::string &server_error() const noexcept { return texts_->server_error; }

  private:
    struct texts {
        std::string message, argument, server_code, server_error;
    };

    error(drt::status status, texts &&given)
        : std::system_error(make_error_code(status), given.message),
          texts_(std::make_shared<const texts>(std::move(given))) {}

    std::shared_ptr<const texts> texts_;
};

/* ---- State of a thread --------------------------------------------------------------------- */

namespace detail {

/** A running callback, or destructor of a callable, on this thread. */
class frame;
/** A running `client::dispatch` or `client::drain` on this thread. */
class dispatch_scope;
/** A running call that passes a callable to the library, on this thread. */
class registration;

/** What this header keeps per thread. */
struct thread_state {
    const frame *innermost = nullptr;
    dispatch_scope *dispatching = nullptr;
    registration *registering = nullptr;
    /** This header's own message for the failure that is reported next ... */
    const char *refusal = nullptr;
    /** ... and for the last failure; NULL where the library has the message. */
    const char *last_refusal = nullptr;
    /** The status of the last failure. */
    drt_status last_status = DRT_OK;
    /** Whether a function of set_log runs. */
    bool logging = false;
};

DRT_DETAIL_SHARED inline thread_state &here() noexcept {
    static thread_local thread_state state;
    return state;
}

/** The clients that were closed in a callback of their own: none of their callbacks is called any
 * more, on whichever thread the library closes them. */
class ended_clients {
  public:
    static void add(drt_client *client) {
        ended_clients &all = instance();
        const std::lock_guard<std::mutex> lock(all.mutex_);
        all.clients_.push_back(client);
        all.count_.store(all.clients_.size());
    }

    static void remove(drt_client *client) noexcept {
        ended_clients &all = instance();
        const std::lock_guard<std::mutex> lock(all.mutex_);
        auto &clients = all.clients_;
        clients.erase(std::remove(clients.begin(), clients.end(), client), clients.end());
        all.count_.store(clients.size());
    }

    static bool has(drt_client *client) noexcept {
        ended_clients &all = instance();
        // Usually there are none, and a callback costs one load.
        if (all.count_.load(std::memory_order_relaxed) == 0) {
            return false;
        }
        const std::lock_guard<std::mutex> lock(all.mutex_);
        return std::find(all.clients_.begin(), all.clients_.end(), client) != all.clients_.end();
    }

  private:
    /** Never destroyed: threads of the library may still run while the process exits. */
    DRT_DETAIL_SHARED static ended_clients &instance() noexcept {
        static auto *const all = new ended_clients;
        return *all;
    }

    std::mutex mutex_;
    std::vector<drt_client *> clients_;
    std::atomic<std::size_t> count_{0};
};

class frame {
  public:
    explicit frame(drt_client *client) noexcept : client_(client), outer_(here().innermost) {
        here().innermost = this;
    }
    frame(const frame &) = delete;
    frame &operator=(const frame &) = delete;
    ~frame() { here().innermost = outer_; }

    /** Whether this thread runs a callback of that client. */
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

/** Marks this thread as running a log function. */
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

/** A failure that this header finds itself, with a static message. To be reported next. */
inline drt_status refuse(const char *why) noexcept {
    here().refusal = why;
    return DRT_ERR_INVALID_ARGUMENT;
}

inline std::string last_error() {
    const char *own = here().last_refusal;
    return own != nullptr ? own : drt_last_error();
}

/** The argument with which a message of this header's own begins: "`uid` has a NUL byte in it". */
inline std::string first_name(const std::string &message) {
    const auto end = message.find('`', 1);
    return message.rfind('`', 0) == 0 && end != std::string::npos ? message.substr(1, end - 1)
                                                                  : std::string();
}

inline void check(drt_status value, std::error_code &ec) noexcept {
    if (value < 0) {
        here().last_refusal = std::exchange(here().refusal, nullptr);
        here().last_status = value;
    }
    ec = value < 0 ? make_error_code(to_status(value)) : std::error_code();
}

inline void check(drt_status value) {
    std::error_code ec;
    check(value, ec);
    if (ec) {
        throw error::last();
    }
}

/** The error with which a reply callback was called is this thread's last one. */
inline void reply_failed() noexcept { here().last_refusal = nullptr; }

/** Sets the error code, or throws where there is none. */
inline void check(drt_status value, std::error_code *ec) {
    ec != nullptr ? check(value, *ec) : check(value);
}

/* ---- Conversions --------------------------------------------------------------------------- */

/** Milliseconds as the library takes them; longer times are cut to its maximum. */
template <class Rep, class Period>
std::uint32_t milliseconds(std::chrono::duration<Rep, Period> time) noexcept {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    const auto most = std::int64_t{(std::numeric_limits<std::int32_t>::max)()};
    return static_cast<std::uint32_t>(std::clamp(std::int64_t{count}, std::int64_t{0}, most));
}

/** The timeout of a dispatch in milliseconds. No time and a negative one are -1: no limit. */
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

/** C would cut such a string at the NUL byte. */
inline bool has_nul(const std::string &text) noexcept {
    return text.find('\0') != std::string::npos;
}

/** A string of an option struct, and the message for a NUL byte in it. */
struct checked_string {
    const std::string &text;
    const char *message;
};

/** The message for the first string with a NUL byte, or NULL. */
inline const char *find_invalid_argument(std::initializer_list<checked_string> strings) noexcept {
    for (const auto &each : strings) {
        if (has_nul(each.text)) {
            return each.message;
        }
    }
    return nullptr;
}

/** Whether a callable is a null pointer or an empty std::function. */
template <class F> bool is_empty(const F &callable) noexcept {
    if constexpr (std::is_constructible_v<F, std::nullptr_t> &&
                  std::is_constructible_v<bool, const F &>) {
        return !static_cast<bool>(callable);
    } else {
        return false;
    }
}

} // namespace detail

/** Describes this thread's last failed call of this header, in one sentence that names the
 * argument. Empty when no call has failed yet. */
inline std::string last_error() { return detail::last_error(); }

inline error error::last() {
    if (const char *own = detail::here().last_refusal) {
        return error(detail::to_status(detail::here().last_status),
                     texts{own, detail::first_name(own), {}, {}});
    }
    drt_error_info info = DRT_ERROR_INFO_INIT;
    drt_last_error_info(&info);
    const auto text = [](const char *given) { return std::string(detail::view(given)); };
    return error(detail::to_status(info.status),
                 texts{text(info.message), text(info.argument), text(info.server_code),
                       std::string(detail::view(info.server_error, info.server_error_len))});
}

/* ---- Exceptions of callbacks --------------------------------------------------------------- */

/** A function that gets exceptions that leave callbacks, on the thread of the callback. It must
 * not throw. */
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

/** The log function, and its lock. */
struct log_place {
    std::mutex lock;
    std::shared_ptr<const log_function> function;
};

/** Never destroyed: threads of the library may still log while the process exits. */
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

/** Logs an error. False where there is no log, or its function throws. */
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

/** The default exception handler. */
inline void log_exception(std::exception_ptr thrown) {
    try {
        const std::string text = describe(thrown);
        if (!log_error(text)) {
            std::fprintf(stderr, "directus_realtime: %s\n", text.c_str());
        }
    } catch (...) {
        std::fputs(
            "directus_realtime: a callback has thrown, and its exception cannot be reported\n",
            stderr);
    }
}

DRT_DETAIL_SHARED inline std::atomic<exception_handler> &handler() noexcept {
    static std::atomic<exception_handler> current{log_exception};
    return current;
}

/** Calls code of the application. Exceptions go to the handler. */
template <class F> void guard(F &&function) noexcept {
    try {
        std::forward<F>(function)();
    } catch (...) {
        handler().load()(std::current_exception());
    }
}

} // namespace detail

/** Sets the handler of exceptions that leave callbacks, from any thread, at any time. NULL stands
 * for the default: they are logged at `log_level::error` (see drt::set_log), or printed to
 * standard error where there is no log. */
inline void on_exception(exception_handler handler) noexcept {
    detail::handler().store(handler != nullptr ? handler : detail::log_exception);
}

/* ---- Callables that the library holds ------------------------------------------------------ */

namespace detail {

/** A callable and its client: the user data of a registration. */
template <class F> struct stored_callable {
    template <class G>
    stored_callable(drt_client *of, G &&from) : client(of), callable(std::forward<G>(from)) {}
    drt_client *client;
    F callable;
};

/** Runs a callback, unless its client was closed in an earlier one on this thread. */
template <class F> void run(drt_client *client, F &&function) noexcept {
    if (!ended_clients::has(client)) {
        const frame inside(client);
        guard(std::forward<F>(function));
    }
}

template <class F> void destroy(stored_callable<F> *callable) noexcept {
    guard([callable] { delete callable; });
}

class registration {
  public:
    explicit registration(void *user_data) noexcept
        : user_data_(user_data), outer_(here().registering) {
        here().registering = this;
    }
    registration(const registration &) = delete;
    registration &operator=(const registration &) = delete;
    ~registration() { here().registering = outer_; }

    void *user_data() const noexcept { return user_data_; }
    bool was_returned() const noexcept { return returned_; }

    /** Whether this thread is just passing that user data to the library: then the registration
     * destroys it after the call. */
    static bool take_back(void *user_data) noexcept {
        registration *current = here().registering;
        const bool own = current != nullptr && current->user_data_ == user_data;
        if (own) {
            current->returned_ = true;
        }
        return own;
    }

  private:
    void *const user_data_;
    registration *const outer_;
    bool returned_ = false;
};

template <class F> void release(void *user_data) {
    if (!registration::take_back(user_data)) {
        auto *const callable = static_cast<stored_callable<F> *>(user_data);
        const frame inside(callable->client);
        destroy(callable);
    }
}

/** Passes a callable to a registering call. If the call fails and releases it, it is destroyed
 * only after the call has returned and its failure was recorded, so that its destructor may call
 * the library. */
template <class F, class Call>
drt_status hand_over(drt_client *client, F &&callback, std::error_code *ec, const Call &call) {
    using callable = std::decay_t<F>;
    struct registration_guard : registration {
        using registration::registration;
        ~registration_guard() {
            if (was_returned()) {
                destroy(static_cast<stored_callable<callable> *>(user_data()));
            }
        }
    };
    const registration_guard registering(
        new stored_callable<callable>(client, std::forward<F>(callback)));
    const drt_status result = call(registering.user_data(), release<callable>);
    check(result, ec);
    return result;
}

/** Calls `visits` with a visitor. An exception ends the visit, and is rethrown once the library's
 * call has returned. */
template <class F, class Visits> drt_status visit_by(F &&function, const Visits &visits) {
    struct visitor {
        F &function;
        std::exception_ptr thrown;
    } state{function, nullptr};
    const auto call = [](const drt_subscription_info *info, void *user_data) -> bool {
        auto &visiting = *static_cast<visitor *>(user_data);
        try {
            return visiting.function(*info);
        } catch (...) {
            visiting.thrown = std::current_exception();
            return false;
        }
    };
    const drt_status result = visits(call, &state);
    if (state.thrown != nullptr) {
        std::rethrow_exception(state.thrown);
    }
    return result;
}

/** Visits a client's subscriptions. */
template <class F> drt_status visit(drt_client *client, F &&function) {
    return visit_by(function, [client](drt_subscription_visit_fn call, void *state) {
        return drt_active_subscriptions(client, call, state);
    });
}

/** Visits one subscription. */
template <class F> drt_status visit_one(drt_subscription *subscription, F &&function) {
    return visit_by(function, [subscription](drt_subscription_visit_fn call, void *state) {
        return drt_subscription_visit(subscription, call, state);
    });
}

/* ---- Closing a client ---------------------------------------------------------------------- */

/** How long closing a client waits. */
constexpr std::chrono::milliseconds close_timeout = std::chrono::seconds(5);

inline drt_status close(drt_client *client) noexcept {
    return drt_client_close(client, milliseconds(close_timeout));
}

class dispatch_scope {
  public:
    explicit dispatch_scope(drt_client *client) noexcept
        : client_(client), outer_(here().dispatching) {
        here().dispatching = this;
    }
    dispatch_scope(const dispatch_scope &) = delete;
    dispatch_scope &operator=(const dispatch_scope &) = delete;
    ~dispatch_scope() { here().dispatching = outer_; }

    /** Whether this thread dispatches for that client: then it closes it after the dispatch. */
    static bool close_later(drt_client *client) noexcept {
        dispatch_scope *current = here().dispatching;
        const bool own = current != nullptr && current->client_ == client;
        if (own) {
            current->is_over_ = true;
        }
        return own;
    }

    /** To be called after the dispatch: closes the client if a callback has closed it. */
    bool end() const noexcept {
        if (is_over_) {
            close(client_);
            ended_clients::remove(client_);
        }
        return is_over_;
    }

  private:
    drt_client *const client_;
    dispatch_scope *const outer_;
    bool is_over_ = false;
};

/** Ends every subscription, and removes the callbacks for states and tokens. */
inline void stop_callbacks(drt_client *client) noexcept {
    drt_client_on_state(client, nullptr, nullptr, nullptr);
    drt_client_on_token(client, nullptr, nullptr, nullptr);
    const auto end = [](const drt_subscription_info *info, void *) -> bool {
        drt_subscription_unsubscribe(info->handle);
        return true;
    };
    drt_active_subscriptions(client, end, nullptr);
}

/** Closes a client inside a callback of its own, which cannot wait for itself. */
inline void close_in_own_callback(drt_client *client) noexcept {
    guard([client] { ended_clients::add(client); });
    stop_callbacks(client);
    if (!dispatch_scope::close_later(client)) {
        const auto ended = [](void *closed) {
            ended_clients::remove(static_cast<drt_client *>(closed));
        };
        drt_client_close_begin(client, nullptr, client, ended);
    }
}

/** Closes a client on a thread of the library, and waits for it. */
inline void close_elsewhere(drt_client *client) {
    auto promise = std::make_unique<std::promise<void>>();
    const auto closed = promise->get_future();
    const auto report = [](drt_status, void *to) {
        static_cast<std::promise<void> *>(to)->set_value();
    };
    const auto release = [](void *from) { delete static_cast<std::promise<void> *>(from); };
    if (drt_client_close_begin(client, report, promise.release(), release) != DRT_OK) {
        stop_callbacks(client);
    } else if (!here().logging) {
        // A log function may run on the very thread that the closing handshake needs.
        closed.wait_for(close_timeout + std::chrono::seconds(1));
    }
}

inline void close_client(drt_client *client) noexcept {
    if (frame::is_inside(client)) {
        close_in_own_callback(client);
    } else if (close(client) == DRT_ERR_WOULD_DEADLOCK) {
        guard([client] { close_elsewhere(client); });
    }
}

} // namespace detail

/* ---- Options ------------------------------------------------------------------------------- */

/** How the client authenticates. */
enum class auth_mode : std::int32_t {
    handshake = DRT_AUTH_HANDSHAKE,
    public_ = DRT_AUTH_PUBLIC,
    strict = DRT_AUTH_STRICT
};

/** Where callbacks run: on a thread of the library, or inside `dispatch`. */
enum class delivery : std::int32_t { thread = DRT_DELIVER_THREAD, poll = DRT_DELIVER_POLL };

/** How changes are split into events. */
enum class granularity : std::int32_t { per_item = DRT_PER_ITEM, per_message = DRT_PER_MESSAGE };

/** Which snapshot an INIT carries. */
enum class snapshot : std::int32_t { exact = DRT_SNAPSHOT_EXACT, server = DRT_SNAPSHOT_SERVER };

/** A kind of change to subscribe to; `drt::on::create | drt::on::update` combines them. */
enum class on : drt_event_mask {
    create = DRT_ON_CREATE,
    update = DRT_ON_UPDATE,
    delete_ = DRT_ON_DELETE
};

/** Kinds of changes. An empty mask stands for every kind. */
class event_mask {
  public:
    /** Every kind. */
    constexpr event_mask() noexcept = default;
    /** That kind alone. */
    constexpr event_mask(on kind) noexcept : bits_(static_cast<drt_event_mask>(kind)) {}
    /** Any of `DRT_ON_CREATE`, `DRT_ON_UPDATE`, `DRT_ON_DELETE`. */
    constexpr event_mask(drt_event_mask bits) noexcept : bits_(bits) {}
    /** The mask of the C ABI. */
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

/** Options of a client; see `drt_client_options`. Empty and zero members are the default. */
struct client_options {
    /** Required: `http(s)://host[:port][/base]` or `ws(s)://host[:port]/path`; several, with
     * commas between, are replicas. */
    std::string url{};
    /** How the client authenticates. Default: by the first message. */
    drt::auth_mode auth_mode = drt::auth_mode::handshake;
    /** A static token or a JWT. */
    std::string access_token{};
    /** For a login, with `password`. */
    std::string email{};
    /** For a login, with `email`. */
    std::string password{};
    /** A refresh token, valid for one use; its successors are kept in memory. */
    std::string refresh_token{};
    /** Where callbacks run. Default: on a thread of the library. */
    drt::delivery delivery = drt::delivery::thread;
    /** How long DNS, TCP, TLS and upgrade may take together. Default: ten seconds. */
    std::chrono::milliseconds connect_timeout{};
    /** How long to wait for a server reply. Default: ten seconds. */
    std::chrono::milliseconds ack_timeout{};
    /** After this much silence the client sends a ping, and after as much again it ends the
     * link. Default: 25 seconds. */
    std::chrono::milliseconds heartbeat{};
    /** The first backoff's upper bound. Default: 250 ms. */
    std::chrono::milliseconds reconnect_min{};
    /** Every backoff's upper bound. Default: ten seconds. */
    std::chrono::milliseconds reconnect_max{};
    /** Failed attempts to reconnect before `state::failed`. Default: 0 = no limit. */
    std::uint32_t reconnect_attempts = 0;
    /** How many bytes of events may be queued for the application. Default: 64 MiB. */
    std::uint64_t queue_bytes = 0;
    /** A file of PEM roots to trust beside the system's. */
    std::string ca_file{};
    /** A proxy: `http://[user:password@]host:port` (CONNECT), the same with `socks5://` or
     * `socks5h://`, or `env`: the environment's `HTTPS_PROXY` and its kind. */
    std::string proxy{};
    /** A file with the client's PEM certificate chain, with `client_key_file`. */
    std::string client_cert_file{};
    /** A file with its PEM key. */
    std::string client_key_file{};
    /** More headers of the upgrade request, as lines `Name: value`. */
    std::string headers{};
    /** The User-Agent header. Default: `directus-realtime/VERSION`. */
    std::string user_agent{};
    /** The size of the largest message that is accepted, in bytes. Default: 256 MiB. */
    std::uint64_t max_message_bytes = 0;
    /** How many bytes of messages and requests may wait for a usable link. Default: 0 = none. */
    std::uint64_t send_queue_bytes = 0;

    /** The options of the C ABI. They refer to this object. */
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

/** Options of a subscription; see `drt_subscription_options`. Empty and zero members are the
 * default. */
struct subscription_options {
    /** Required. */
    std::string collection{};
    /** A JSON object: fields, filter, sort, limit, search, deep, alias, meta ... */
    std::string query{};
    /** Names the subscription within its client; empty = one is generated. */
    std::string uid{};
    /** Survives its object, its scope, `unsubscribe_collection` and `unsubscribe_all`. */
    bool persistent = false;
    /** Which changes to subscribe to, for instance `drt::on::create | drt::on::delete_`, or any
     * of `DRT_ON_CREATE`, `DRT_ON_UPDATE`, `DRT_ON_DELETE`. Default: all. */
    event_mask events{};
    /** The primary key of the one item to watch; empty = the collection. */
    std::string item{};
    /** The name of the primary key. Default: `id`. */
    std::string primary_key{};
    /** How changes are split into events. Default: one event per item. */
    drt::granularity granularity = drt::granularity::per_item;
    /** Which snapshot an INIT carries. Default: an exact one. */
    drt::snapshot snapshot = drt::snapshot::exact;
    /** For how long it must be quiet before rows are read once more whose last event may be wrong;
     * see `drt_subscription_options`. Zero = 250 ms; `never` reads none. */
    std::chrono::milliseconds settle{};
    /** For `settle`. */
    static constexpr auto never = (std::chrono::milliseconds::max)();

    /** The options of the C ABI. They refer to this object. */
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
        raw.settle_ms = detail::milliseconds(settle);
        return raw;
    }
};

namespace detail {

inline const char *find_invalid_argument(const client_options &options) noexcept {
    return find_invalid_argument(
        {{options.url, "`url` has a NUL byte in it"},
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

inline const char *find_invalid_argument(const subscription_options &options) noexcept {
    return find_invalid_argument({{options.collection, "`collection` has a NUL byte in it"},
                                  {options.query, "`query` has a NUL byte in it"},
                                  {options.uid, "`uid` has a NUL byte in it"},
                                  {options.item, "`item` has a NUL byte in it"},
                                  {options.primary_key, "`primary_key` has a NUL byte in it"}});
}

/** C strings cannot contain NUL bytes. */
inline const char *find_invalid_argument(const drt_client_options &) noexcept { return nullptr; }
inline const char *find_invalid_argument(const drt_subscription_options &) noexcept {
    return nullptr;
}

/** The option structs of the C ABI. */
inline drt_client_options raw(const client_options &options) noexcept { return options.c(); }
inline drt_client_options raw(const drt_client_options &options) noexcept { return options; }
inline drt_subscription_options raw(const subscription_options &options) noexcept {
    return options.c();
}
inline drt_subscription_options raw(const drt_subscription_options &options) noexcept {
    return options;
}

/** Restricts a template parameter to one type: nothing converts to it, and braced initialisers do
 * not match. */
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
    /** A view of the event of the C ABI. */
    explicit event(const drt_event &raw) noexcept : raw_(&raw) {}

    /** What happened. */
    event_kind kind() const noexcept { return static_cast<event_kind>(raw_->kind); }
    /** Whether an item was created, updated or deleted. False for an ERROR, and for the INIT that
     * comes first and after each gap, whatever kinds of events were subscribed to. */
    bool is_change() const noexcept { return drt_event_is_change(raw_); }
    /** JSON: the item, the snapshot, `{"<primary_key>": key}`, or `{"code", "message"}`. Empty if
     * the event has no data. */
    std::string_view data() const noexcept { return detail::view(raw_->data, raw_->data_len); }
    /** The server's `meta`, as JSON. Empty if there is none. */
    std::string_view meta() const noexcept { return detail::view(raw_->meta, raw_->meta_len); }
    /** The subscription's uid. */
    std::string_view uid() const noexcept { return detail::view(raw_->uid, raw_->uid_len); }
    /** The subscription's collection. */
    std::string_view collection() const noexcept {
        return detail::view(raw_->collection, raw_->collection_len);
    }
    /** The handle of its subscription, equal to `subscription::c()`. */
    drt_subscription *subscription() const noexcept { return raw_->subscription; }
    /** Whether this is an INIT after a gap: it replaces everything before it. */
    bool resync() const noexcept { return (raw_->flags & DRT_FLAG_RESYNC) != 0; }
    /** Whether the row was read again, and is not as it was last reported. */
    bool settled() const noexcept { return (raw_->flags & DRT_FLAG_SETTLED) != 0; }
    /** Whether this is an ERROR that ends the subscription. */
    bool ended() const noexcept { return (raw_->flags & DRT_FLAG_ENDED) != 0; }
    /** Counts the client's events from 1, without gaps. */
    std::uint64_t sequence() const noexcept { return raw_->sequence; }
    /** The item's index in its server message. */
    std::uint32_t index() const noexcept { return raw_->index; }
    /** The number of items in that message. */
    std::uint32_t count() const noexcept { return raw_->count; }
    /** The event of the C ABI. */
    const drt_event &c() const noexcept { return *raw_; }

  private:
    const drt_event *raw_;
};

/** A type for callbacks. Any other callable will do, also a move-only one. */
using event_callback = std::function<void(const event &)>;

/* ---- Subscriptions ------------------------------------------------------------------------- */

/** Describes a subscription; see `client::active_subscriptions`. */
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
    /** Its handle, equal to `subscription::c()`. */
    drt_subscription *handle;
};

namespace detail {

/** The result of subscribing: a new subscription, or the existing one of that uid. */
struct subscribe_result {
    drt_client *client = nullptr;
    drt_subscription *handle = nullptr;
    std::uint64_t key = 0;
    bool owns = false;
    bool is_duplicate = false;
};

} // namespace detail

/**
 * A subscription, or an empty object. A subscription made by a client ends with this object, unless
 * it is persistent or was detached; one made by a scope ends with the scope.
 *
 * Destruction and assignment wait for a running callback of a subscription that they end, unless
 * they happen in that callback.
 */
class subscription {
  public:
    /** An empty object. */
    subscription() noexcept = default;
    /** From a handle of the C ABI. With `owns`, the subscription ends with this object. */
    subscription(drt_subscription *handle, bool owns) noexcept : handle_(handle), owns_(owns) {}
    /** For this header's own use. */
    explicit subscription(const detail::subscribe_result &result) noexcept
        : handle_(result.handle), client_(result.client), key_(result.key), owns_(result.owns),
          is_duplicate_(result.is_duplicate) {}
    /** Moves; the other object is empty afterwards. */
    subscription(subscription &&other) noexcept
        : handle_(other.handle_.exchange(nullptr)), client_(other.client_),
          key_(std::exchange(other.key_, 0)), owns_(other.owns_),
          is_duplicate_(std::exchange(other.is_duplicate_, false)) {}
    /** Ends its own subscription if it owns it, and moves; the other object is empty
     * afterwards. */
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
    /** Ends the subscription if this object owns it; see the class. */
    ~subscription() { end(); }

    /** Waits until the server has confirmed it; its snapshot is then on the way to the callback.
     * Not inside a callback. Errors: `status::timeout`, `server` (refused, with the server's
     * message), `closed`, `would_deadlock`, and the reason when the client fails. */
    void wait(std::chrono::milliseconds timeout = (std::chrono::milliseconds::max)()) const {
        detail::check(drt_subscription_wait(handle_, detail::milliseconds(timeout)));
    }
    /** The same with an error code. */
    void wait(std::chrono::milliseconds timeout, std::error_code &ec) const noexcept {
        detail::check(drt_subscription_wait(handle_, detail::milliseconds(timeout)), ec);
    }

    /** Ends it now, also when it is persistent or not owned by this object. When this returns, its
     * callback does not run and will not run again, unless this was called inside it. False when
     * it had ended already. Errors: `status::forked`. */
    bool unsubscribe() {
        const drt_status result = drt_subscription_unsubscribe(handle_.exchange(nullptr));
        if (result == DRT_ERR_INVALID_HANDLE) {
            return false;
        }
        detail::check(result);
        return true;
    }

    /** Gives the subscription up without ending it: it ends with its client, or by its uid. The
     * object is empty afterwards; call `c()` and `uid()` before. */
    void detach() noexcept { handle_ = nullptr; }

    /** Asks for a fresh snapshot: an INIT marked as a resync, which replaces everything that is
     * known. What waits of the subscription is dropped. Errors: `status::invalid_handle`. */
    void resync() const { detail::check(drt_subscription_resync(handle_)); }
    /** The same with an error code. */
    void resync(std::error_code &ec) const noexcept {
        detail::check(drt_subscription_resync(handle_), ec);
    }

    /** Its uid, also a generated one; empty when it has ended. */
    std::string uid() const {
        std::string found;
        detail::visit_one(handle_, [&](const drt_subscription_info &info) {
            found.assign(info.uid, info.uid_len);
            return true;
        });
        return found;
    }
    /** The number by which `client::drain` names it, unique among the subscriptions that have not
     * ended. It stays when the subscription ends. 0 for an empty object and for a duplicate, where
     * only the object of the first subscription has it. */
    std::uint64_t key() const noexcept { return key_; }
    /** Whether its uid was taken: then this object refers to the existing subscription without
     * owning it, and the callback was not used. */
    bool is_duplicate() const noexcept { return is_duplicate_; }
    /** Whether this object refers to a subscription, which may have ended meanwhile. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /** Its handle; NULL in an empty object. */
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
    auto &stored = *static_cast<stored_callable<F> *>(user_data);
    const event seen(*raw);
    run(stored.client, [&] { static_cast<void>(std::invoke(stored.callable, seen)); });
}

template <class Options, class F>
subscribe_result subscribe(drt_client *client, drt_scope *scope, const Options &options,
                           F &&callback, std::error_code *ec) {
    using callable = std::decay_t<F>;
    static_assert(std::is_invocable_v<callable &, const event &>,
                  "the callback is to be called with a const drt::event &");
    subscribe_result result;
    const char *message =
        is_empty(callback) ? "`callback` is empty" : find_invalid_argument(options);
    if (message != nullptr) {
        check(refuse(message), ec);
        return result;
    }
    const drt_subscription_options raw_options = raw(options);
    const auto call = [&](void *user_data, drt_release_fn release) {
        result.key = reinterpret_cast<std::uintptr_t>(user_data);
        return drt_subscribe(client, scope, &raw_options, on_event<callable>, user_data, release,
                             &result.handle);
    };
    const drt_status status = hand_over(client, std::forward<F>(callback), ec, call);
    result.client = client;
    result.is_duplicate = status == DRT_DUPLICATE;
    result.key = status == DRT_OK ? result.key : 0;
    result.owns = status == DRT_OK && scope == nullptr && !raw_options.persistent;
    return result;
}

} // namespace detail

/* ---- Live collections ---------------------------------------------------------------------- */

/** How far a live collection is; see the `DRT_LIVE_` statuses. */
enum class live_status : std::int32_t {
    loading = DRT_LIVE_LOADING,
    current = DRT_LIVE_CURRENT,
    stale = DRT_LIVE_STALE,
    ended = DRT_LIVE_ENDED
};

/** What happened to a row. */
enum class live_change_kind : std::uint32_t {
    added = DRT_LIVE_ADDED,
    modified = DRT_LIVE_MODIFIED,
    removed = DRT_LIVE_REMOVED
};

/** Options of a live collection; see `drt_live_options`. Empty and zero members are the default. */
struct live_options {
    /** Required. */
    std::string collection{};
    /** A JSON object: fields, filter, sort, limit, offset, page, search, deep, alias. */
    std::string query{};
    /** Names it within its client; empty = one is generated. */
    std::string uid{};
    /** Survives its object, its scope, `unsubscribe_collection` and `unsubscribe_all`. */
    bool persistent = false;
    /** The name of the primary key. Default: `id`. */
    std::string primary_key{};
    /** Further collections, separated by commas, whose changes may change rows. */
    std::string depends_on{};
    /** How often all rows are held against the server's answer. Zero = five minutes; `never`. */
    std::chrono::milliseconds verify{};
    /** For `verify`. */
    static constexpr auto never = (std::chrono::milliseconds::max)();

    /** The options of the C ABI. They refer to this object. */
    drt_live_options c() const noexcept {
        drt_live_options raw = DRT_LIVE_OPTIONS_INIT;
        raw.collection = collection.c_str();
        raw.query = detail::text_or_null(query);
        raw.uid = detail::text_or_null(uid);
        raw.persistent = persistent;
        raw.primary_key = detail::text_or_null(primary_key);
        raw.depends_on = detail::text_or_null(depends_on);
        raw.verify_ms = detail::milliseconds(verify);
        return raw;
    }
};

/** A change of one row, valid during the callback; see `drt_live_change`. */
class live_change {
  public:
    /** For this header's own use. */
    explicit live_change(const drt_live_change &raw) noexcept : raw_(&raw) {}
    /** What happened. */
    live_change_kind kind() const noexcept { return static_cast<live_change_kind>(raw_->kind); }
    /** The row's key, as JSON. */
    std::string_view key() const noexcept { return detail::view(raw_->key, raw_->key_len); }
    /** The row, as JSON; of one that was removed, as it was last. */
    std::string_view data() const noexcept { return detail::view(raw_->data, raw_->data_len); }
    /** Its place before this change, unless it was added. */
    std::optional<std::size_t> old_index() const noexcept { return index(raw_->old_index); }
    /** Its place after this change, unless it was removed. */
    std::optional<std::size_t> new_index() const noexcept { return index(raw_->new_index); }

  private:
    static std::optional<std::size_t> index(std::uint64_t value) noexcept {
        return value == UINT64_MAX ? std::nullopt
                                   : std::optional<std::size_t>(static_cast<std::size_t>(value));
    }

    const drt_live_change *raw_;
};

/** An update of a live collection, valid during the callback; see `drt_live_update`. */
class live_update {
  public:
    /** For this header's own use. */
    explicit live_update(const drt_live_update &raw) noexcept : raw_(&raw) {}
    /** The status from now on. */
    live_status status() const noexcept { return static_cast<live_status>(raw_->status); }
    /** How many updates have changed rows so far. */
    std::uint64_t revision() const noexcept { return raw_->revision; }
    /** How many rows there are now. */
    std::size_t count() const noexcept { return static_cast<std::size_t>(raw_->count); }
    /** How many changes there are. */
    std::size_t size() const noexcept { return raw_->changes_len; }
    /** A change; they hold one after the other. */
    live_change operator[](std::size_t at) const noexcept { return live_change(raw_->changes[at]); }
    /** Calls `fn` with each change, in order. */
    template <class F> void for_each(F &&fn) const {
        for (std::size_t at = 0; at < size(); ++at) {
            std::invoke(fn, (*this)[at]);
        }
    }
    /** The server's error object as JSON, or empty. */
    std::string_view error() const noexcept { return detail::view(raw_->error, raw_->error_len); }
    /** The name of the live collection. */
    std::string_view uid() const noexcept { return detail::view(raw_->uid, raw_->uid_len); }
    /** Its collection. */
    std::string_view collection() const noexcept {
        return detail::view(raw_->collection, raw_->collection_len);
    }
    /** The update of the C ABI. */
    const drt_live_update &c() const noexcept { return *raw_; }

  private:
    const drt_live_update *raw_;
};

/** A row of a live collection, valid during the visit. */
struct row {
    /** Its place. */
    std::size_t index;
    /** Its key, as JSON. */
    std::string_view key;
    /** The whole row, as JSON. */
    std::string_view data;
};

namespace detail {

inline void on_answer(drt_status result, const char *json, std::size_t length, void *user_data);

inline const char *find_invalid_argument(const live_options &options) noexcept {
    return find_invalid_argument({{options.collection, "`collection` has a NUL byte in it"},
                                  {options.query, "`query` has a NUL byte in it"},
                                  {options.uid, "`uid` has a NUL byte in it"},
                                  {options.primary_key, "`primary_key` has a NUL byte in it"},
                                  {options.depends_on, "`depends_on` has a NUL byte in it"}});
}

/** The result of opening: a new live collection, or the existing one of that uid. */
struct live_result {
    drt_client *client = nullptr;
    drt_live *handle = nullptr;
    bool owns = false;
    bool is_duplicate = false;
};

template <class F> void on_update(const drt_live_update *raw, void *user_data) {
    auto &stored = *static_cast<stored_callable<F> *>(user_data);
    const live_update seen(*raw);
    run(stored.client, [&] { static_cast<void>(std::invoke(stored.callable, seen)); });
}

template <class F>
live_result open_live(drt_client *client, drt_scope *scope, const live_options &options,
                      F &&callback, std::error_code *ec) {
    using callable = std::decay_t<F>;
    static_assert(std::is_invocable_v<callable &, const live_update &>,
                  "the callback is to be called with a const drt::live_update &");
    live_result result;
    const char *message =
        is_empty(callback) ? "`callback` is empty" : find_invalid_argument(options);
    if (message != nullptr) {
        check(refuse(message), ec);
        return result;
    }
    const drt_live_options raw_options = options.c();
    const auto call = [&](void *user_data, drt_release_fn release) {
        return drt_live_open(client, scope, &raw_options, on_update<callable>, user_data, release,
                             &result.handle);
    };
    const drt_status status = hand_over(client, std::forward<F>(callback), ec, call);
    result.client = client;
    result.is_duplicate = status == DRT_DUPLICATE;
    result.owns = status == DRT_OK && scope == nullptr && !raw_options.persistent;
    return result;
}

/** Calls `visits` with a visitor of rows. An exception ends the visit, and is rethrown once the
 * library's call has returned. */
template <class F, class Visits> drt_status visit_rows(F &&function, const Visits &visits) {
    struct visitor {
        F &function;
        std::exception_ptr thrown;
    } state{function, nullptr};
    const auto call = [](const drt_row *seen, void *user_data) -> bool {
        auto &visiting = *static_cast<visitor *>(user_data);
        try {
            return visiting.function(row{static_cast<std::size_t>(seen->index),
                                         view(seen->key, seen->key_len),
                                         view(seen->data, seen->data_len)});
        } catch (...) {
            visiting.thrown = std::current_exception();
            return false;
        }
    };
    const drt_status result = visits(call, &state);
    if (state.thrown != nullptr) {
        std::rethrow_exception(state.thrown);
    }
    return result;
}

} // namespace detail

/**
 * A live collection, or an empty object: the rows with which the server would answer a query, in
 * memory, in its order, and kept so. Made by `client::live` it ends with this object, unless it is
 * persistent; made by `scope::live` it ends with the scope.
 *
 * Destruction and assignment wait for a running callback of a live collection that they end, unless
 * they happen in that callback.
 */
class live {
  public:
    /** An empty object. */
    live() noexcept = default;
    /** From a handle of the C ABI. With `owns`, the live collection ends with this object. */
    live(drt_live *handle, bool owns) noexcept : handle_(handle), owns_(owns) {}
    /** For this header's own use. */
    explicit live(const detail::live_result &result) noexcept
        : handle_(result.handle), client_(result.client), owns_(result.owns),
          is_duplicate_(result.is_duplicate) {}
    /** Moves; the other object is empty afterwards. */
    live(live &&other) noexcept
        : handle_(other.handle_.exchange(nullptr)), client_(other.client_), owns_(other.owns_),
          is_duplicate_(std::exchange(other.is_duplicate_, false)) {}
    /** Ends its own if it owns it, and moves; the other object is empty afterwards. */
    live &operator=(live &&other) noexcept {
        if (this != &other) {
            end();
            handle_ = other.handle_.exchange(nullptr);
            client_ = other.client_;
            owns_ = other.owns_;
            is_duplicate_ = std::exchange(other.is_duplicate_, false);
        }
        return *this;
    }
    /** Ends the live collection if this object owns it; see the class. */
    ~live() { end(); }

    /** How far it is; `ended` for an empty object. */
    live_status status() const noexcept {
        return static_cast<live_status>(drt_live_get_status(handle_));
    }
    /** How many rows the last update has left. Errors: `status::invalid_handle`. */
    std::size_t size() const {
        std::uint64_t count = 0;
        detail::check(drt_live_count(handle_, &count));
        return static_cast<std::size_t>(count);
    }
    /** The row with a key, given as JSON or as plain text. Errors: `status::invalid_handle`. */
    std::optional<std::string> get(const std::string &key) const {
        if (detail::has_nul(key)) {
            detail::check(detail::refuse("`key` has a NUL byte in it"));
        }
        std::optional<std::string> found;
        const auto keep = [&](const row &seen) {
            found.emplace(seen.data);
            return false;
        };
        const drt_status result = detail::visit_rows(keep, [&](drt_row_fn call, void *state) {
            return drt_live_get(handle_, key.c_str(), call, state);
        });
        if (result != DRT_ERR_NOT_FOUND) {
            detail::check(result);
        }
        return found;
    }
    /** Calls `fn` with each `const drt::row &` in order, from `from` on. Where it returns a bool,
     * false ends the visit. Errors: `status::invalid_handle`. */
    template <class F> void for_each(F &&fn, std::size_t from = 0) const {
        const auto call = [&](const row &seen) {
            if constexpr (std::is_convertible_v<std::invoke_result_t<F &, const row &>, bool>) {
                return static_cast<bool>(std::invoke(fn, seen));
            } else {
                std::invoke(fn, seen);
                return true;
            }
        };
        detail::check(detail::visit_rows(call, [&](drt_row_fn visitor, void *state) {
            return drt_live_rows(handle_, from, 0, visitor, state, nullptr);
        }));
    }

    /** Waits until it is current. Not inside a callback. Errors: `status::timeout`, `server` (it
     * has ended, with the server's message), `closed`, `would_deadlock`. */
    void wait(std::chrono::milliseconds timeout = (std::chrono::milliseconds::max)()) const {
        detail::check(drt_live_wait(handle_, detail::milliseconds(timeout)));
    }
    /** The same with an error code. */
    void wait(std::chrono::milliseconds timeout, std::error_code &ec) const noexcept {
        detail::check(drt_live_wait(handle_, detail::milliseconds(timeout)), ec);
    }

    /** Holds the rows against the server's answer, and repairs what differs: the report, as
     * `drt_live_verify` has it. Do not wait for it on the thread that runs callbacks. */
    [[nodiscard]] std::future<std::string>
    verify(std::chrono::milliseconds timeout = std::chrono::seconds(30)) const {
        std::promise<std::string> promise;
        auto report = promise.get_future();
        drt_live *const handle = handle_;
        const auto call = [&](void *user_data, drt_release_fn release) {
            return drt_live_verify(handle, detail::milliseconds(timeout), detail::on_answer,
                                   user_data, release);
        };
        detail::hand_over(client_, std::move(promise), nullptr, call);
        return report;
    }

    /** Ends it now, also when it is persistent or not owned by this object. When this returns, its
     * callback does not run and will not run again, unless this was called inside it. False when it
     * had ended already. Errors: `status::forked`. */
    bool close() {
        const drt_status result = drt_live_close(handle_.exchange(nullptr));
        if (result == DRT_ERR_INVALID_HANDLE) {
            return false;
        }
        detail::check(result);
        return true;
    }
    /** Gives it up without ending it: it ends with its client, or by its uid. */
    void detach() noexcept { handle_ = nullptr; }
    /** Whether its uid was taken by another live collection, to which this object refers. */
    bool is_duplicate() const noexcept { return is_duplicate_; }
    /** Whether this object refers to a live collection, which may have ended meanwhile. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /** Its handle; NULL in an empty object. */
    drt_live *c() const noexcept { return handle_; }

  private:
    void end() noexcept {
        drt_live *const handle = handle_.exchange(nullptr);
        if (owns_ && handle != nullptr) {
            drt_live_close(handle);
        }
    }

    std::atomic<drt_live *> handle_{nullptr};
    drt_client *client_ = nullptr;
    bool owns_ = false;
    bool is_duplicate_ = false;
};

/* ---- Scopes -------------------------------------------------------------------------------- */

/**
 * A group of subscriptions that end together: with `close`, or with this object. Persistent ones
 * do not end.
 *
 * Destruction and assignment wait as `close` does.
 */
class scope {
  public:
    /** An empty object. */
    scope() noexcept = default;
    /** A scope in a client of the C ABI. Errors: `status::invalid_handle`, `closed`. */
    explicit scope(drt_client *client) : client_(client) { detail::check(open(client)); }
    /** The same with an error code, after which the object is empty. */
    scope(drt_client *client, std::error_code &ec) noexcept : client_(client) {
        detail::check(open(client), ec);
    }
    /** Moves; the other object is empty afterwards. */
    scope(scope &&other) noexcept
        : client_(other.client_), handle_(other.handle_.exchange(nullptr)) {}
    /** Closes its own, and moves; the other object is empty afterwards. */
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

    /** Subscribes until the scope is closed; the result may be ignored. Errors: those of
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

    /** Opens a live collection that ends with the scope; the result may be dropped. Errors: those
     * of `client::live`, and `status::invalid_handle` when the scope is closed. */
    template <class F> drt::live live(const live_options &options, F &&callback) {
        return open_live(options, std::forward<F>(callback), nullptr);
    }
    /** The same with an error code, after which the result is empty. */
    template <class F>
    drt::live live(const live_options &options, F &&callback, std::error_code &ec) {
        return open_live(options, std::forward<F>(callback), &ec);
    }

    /** Ends its subscriptions except persistent ones. When this returns, none of their callbacks
     * runs, except one that it was called in. Does nothing when it is closed already. */
    void close() noexcept {
        drt_scope *const handle = handle_.exchange(nullptr);
        if (handle != nullptr) {
            drt_scope_close(handle);
        }
    }

    /** Whether it is open. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /** Its handle; NULL once it is closed. */
    drt_scope *c() const noexcept { return handle_; }

  private:
    drt_status open(drt_client *client) noexcept {
        drt_scope *handle = nullptr;
        const drt_status result = drt_scope_new(client, &handle);
        handle_ = handle;
        return result;
    }

    template <class Options, class F>
    subscription make(const Options &options, F &&callback, std::error_code *ec) {
        drt_scope *const handle = handle_;
        if (handle == nullptr) {
            // To the C ABI, NULL means to subscribe without a scope.
            detail::refuse("the scope is closed, or was moved from");
            detail::check(DRT_ERR_INVALID_HANDLE, ec);
            return {};
        }
        return subscription(
            detail::subscribe(client_, handle, options, std::forward<F>(callback), ec));
    }

    template <class F>
    drt::live open_live(const live_options &options, F &&callback, std::error_code *ec) {
        drt_scope *const handle = handle_;
        if (handle == nullptr) {
            // To the C ABI, NULL means to open it without a scope.
            detail::refuse("the scope is closed, or was moved from");
            detail::check(DRT_ERR_INVALID_HANDLE, ec);
            return {};
        }
        return drt::live(
            detail::open_live(client_, handle, options, std::forward<F>(callback), ec));
    }

    drt_client *client_ = nullptr;
    std::atomic<drt_scope *> handle_{nullptr};
};

/* ---- Clients ------------------------------------------------------------------------------- */

namespace detail {

template <class F>
void on_state(drt_client *, drt_state now, drt_status reason, const char *message,
              void *user_data) {
    auto &stored = *static_cast<stored_callable<F> *>(user_data);
    run(stored.client, [&] {
        static_cast<void>(std::invoke(stored.callable, static_cast<state>(now), to_status(reason),
                                      view(message)));
    });
}

template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};

/** The token that a token callback has returned; empty = it is set later. */
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

/// Asks the application for a token. A callable that returns one answers at once; one that returns
/// nothing calls `set_token` itself, or lets the attempt time out.
template <class F> void on_token(drt_client *client, drt_status reason, void *user_data) {
    auto &callback = static_cast<stored_callable<F> *>(user_data)->callable;
    run(client, [&] {
        if constexpr (std::is_void_v<std::invoke_result_t<F &, status>>) {
            std::invoke(callback, to_status(reason));
        } else {
            const std::string token = token_of(std::invoke(callback, to_status(reason)));
            if (!token.empty()) {
                check(set_token(client, token));
            }
        }
    });
}

template <class F>
void on_reply(drt_status result, const char *json, std::size_t length, void *user_data) {
    auto &stored = *static_cast<stored_callable<F> *>(user_data);
    if (result != DRT_OK) {
        reply_failed();
    }
    run(stored.client, [&] {
        static_cast<void>(std::invoke(stored.callable, to_status(result), view(json, length)));
    });
}

/** Fulfils the promise of a future. It always runs, as it calls no code of the application. */
inline void on_answer(drt_status result, const char *json, std::size_t length, void *user_data) {
    auto &promise = static_cast<stored_callable<std::promise<std::string>> *>(user_data)->callable;
    guard([&] {
        if (result == DRT_OK) {
            promise.set_value(std::string(view(json, length)));
        } else {
            reply_failed();
            promise.set_exception(std::make_exception_ptr(error::last()));
        }
    });
}

} // namespace detail

/**
 * A client of a Directus server, or an empty object.
 *
 * Destruction and assignment close it. They wait for the closing handshake and for a running
 * callback, but for five seconds at most. A callback that is still running then is the last one;
 * the objects that it uses must outlive it. Where that is not certain, call `close` with a longer
 * timeout before, and check its result.
 *
 * A client may be closed anywhere:
 *
 * - In a callback of another client: a thread of the library closes it, and is waited for in the
 * same way. With poll delivery, the last callbacks of the closed client run on that thread.
 * - In a callback of its own: this cannot wait for itself. The client's subscriptions end, and
 *   none of its callbacks is called once the running one has returned: the state `closed` and the
 *   replies to requests are not reported (futures get `status::closed`). The destructors of its
 *   callables run afterwards, where callbacks run. In poll delivery that is the thread that called
 *   `dispatch` or `drain` of this class, as soon as the callback has returned; if
 *   `drt_client_dispatch` was called instead, a thread of the library.
 * - In a log function of drt::set_log: a thread of the library closes it, and is not waited for.
 *
 * Callbacks registered with the C functions count as those of another client, so closing the client
 * in such a callback of its own waits for five seconds in vain.
 */
class client {
  public:
    /** An empty object. */
    client() noexcept = default;
    /** Makes a client. It does not connect before `connect` or the first subscription. Errors:
     * `status::invalid_argument` (also for a URL), `invalid_utf8`, `tls` and `io` (unusable
     * files). */
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
    /** Moves; the other object is empty afterwards. */
    client(client &&other) noexcept : handle_(other.handle_.exchange(nullptr)) {}
    /** Closes its own, and moves; the other object is empty afterwards. */
    client &operator=(client &&other) noexcept {
        if (this != &other) {
            finish();
            handle_ = other.handle_.exchange(nullptr);
        }
        return *this;
    }
    /** Closes it; see the class. */
    ~client() { finish(); }

    /** Closes it now: subscriptions and scopes end, waiting calls and requests fail, callables are
     * destroyed. Does nothing when it is closed already. Not inside a callback. Errors:
     * `status::timeout` (a callback still runs; the rest happens when it returns),
     * `would_deadlock` (inside a callback; the client stays open), `closed` (another thread is
     * closing it), `forked`. */
    void close(std::chrono::milliseconds timeout = detail::close_timeout) {
        detail::check(close_impl(timeout));
    }
    /** The same with an error code. */
    void close(std::chrono::milliseconds timeout, std::error_code &ec) noexcept {
        detail::check(close_impl(timeout), ec);
    }

    /** Sets the callback for changes of the state:
     * `(drt::state, drt::status reason, std::string_view why)`. It replaces the one before; an
     * empty callable removes it. Errors: `status::closed`. */
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
    /** Removes the callback. */
    void on_state(std::nullptr_t) {
        detail::check(drt_client_on_state(handle_, nullptr, nullptr, nullptr));
    }

    /** Sets the callback that is asked for tokens: `(drt::status reason)`. It returns the token (a
     * string, a std::string_view, or a std::optional of these), or an empty one, or nothing, and
     * the application calls `set_token` later. An empty callable removes the callback. Errors:
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
    /** Removes the callback. */
    void on_token(std::nullptr_t) {
        detail::check(drt_client_on_token(handle_, nullptr, nullptr, nullptr));
    }

    /** Starts to connect and returns at once; the first subscription does that, too. Leaves
     * `state::failed`. Errors: `status::closed`. */
    void connect() { detail::check(drt_client_connect(handle_)); }
    /** The same with an error code. */
    void connect(std::error_code &ec) noexcept { detail::check(drt_client_connect(handle_), ec); }
    /** Ends the link, if there is one, and connects now. Errors: `status::closed`. */
    void reconnect() { detail::check(drt_client_reconnect(handle_)); }
    /** The same with an error code. */
    void reconnect(std::error_code &ec) noexcept {
        detail::check(drt_client_reconnect(handle_), ec);
    }
    /** Ends the link until `connect` or `reconnect` is called; subscriptions are kept. Errors:
     * `status::closed`. */
    void disconnect() { detail::check(drt_client_disconnect(handle_)); }
    /** The same with an error code. */
    void disconnect(std::error_code &ec) noexcept {
        detail::check(drt_client_disconnect(handle_), ec);
    }
    /** Replaces the access token; an open link is authenticated again. Errors:
     * `status::invalid_argument`, `invalid_utf8`, `closed`. */
    void set_token(const std::string &access_token) {
        detail::check(detail::set_token(handle_, access_token));
    }
    /** The same with an error code. */
    void set_token(const std::string &access_token, std::error_code &ec) noexcept {
        detail::check(detail::set_token(handle_, access_token), ec);
    }

    /** The current state; `state::closed` in an empty object. */
    drt::state state() const noexcept { return static_cast<drt::state>(drt_client_state(handle_)); }
    /** Whether it is authenticated and usable. */
    bool is_connected() const noexcept { return drt_client_is_connected(handle_); }
    /** Waits until the client is in a state, or was in it meanwhile. Not inside a callback. Errors:
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

    /** Subscribes to a collection, or to an item of it: `(const drt::event &)`. The subscription
     * ends with the result, unless it is persistent. If the uid is taken, the result refers to the
     * existing subscription without owning it (`is_duplicate`). Errors:
     * `status::invalid_argument` (also for an empty callable), `invalid_utf8`, `invalid_json`,
     * `not_connected` (the client has failed), `closed`. A refusal by the server is reported by an
     * event, and by `subscription::wait`. */
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

    /** Opens a live collection, whose updates are passed to the callback; it ends with the result.
     * Errors: those of `subscribe`, and `status::invalid_argument` for a query that cannot be held.
     */
    template <class F> [[nodiscard]] drt::live live(const live_options &options, F &&callback) {
        return drt::live(
            detail::open_live(handle_, nullptr, options, std::forward<F>(callback), nullptr));
    }
    /** The same with an error code, after which the result is empty. */
    template <class F>
    [[nodiscard]] drt::live live(const live_options &options, F &&callback, std::error_code &ec) {
        return drt::live(
            detail::open_live(handle_, nullptr, options, std::forward<F>(callback), &ec));
    }
    /** Opens a live collection whose rows are looked at without a callback for updates. */
    [[nodiscard]] drt::live live(const live_options &options) {
        return live(options, [](const live_update &) {});
    }
    /** The same with `persistent` set, whatever the options say: the subscription lasts as long as
     * the client, and the result may be ignored. */
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
     * running callback on another thread. Errors: `status::invalid_argument`, `invalid_utf8`,
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
    /** Ends a collection's subscriptions except persistent ones, and returns how many. Waits for
     * their running callback on another thread. Errors: `status::invalid_argument`,
     * `invalid_utf8`, `closed`. */
    std::size_t unsubscribe_collection(const std::string &collection) {
        std::size_t ended = 0;
        detail::check(detail::has_nul(collection)
                          ? detail::refuse("`collection` has a NUL byte in it")
                          : drt_unsubscribe_collection(handle_, collection.c_str(), &ended));
        return ended;
    }
    /** Ends all subscriptions except persistent ones, and returns how many. Waits for their running
     * callback on another thread. Errors: `status::closed`. */
    std::size_t unsubscribe_all() {
        std::size_t ended = 0;
        detail::check(drt_unsubscribe_all(handle_, &ended));
        return ended;
    }
    /** Whether a subscription has that uid. */
    bool has_subscription(const std::string &uid) const noexcept {
        return !detail::has_nul(uid) && drt_has_subscription(handle_, uid.c_str());
    }
    /** All subscriptions, pending ones included, in the order in which they were made. Errors:
     * `status::closed`. */
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

    /** Sends a message, a JSON object with a `type`, without waiting for a reply. Errors:
     * `status::invalid_json`, `invalid_argument`, `invalid_utf8`, `not_connected`, `queue_full`,
     * `closed`. */
    void send_message(const std::string &json) { detail::check(send(json)); }
    /** The same with an error code. */
    void send_message(const std::string &json, std::error_code &ec) noexcept {
        detail::check(send(json), ec);
    }

    /** Sends a message; `(drt::status, std::string_view json)` runs once, with the reply or the
     * server's error. Errors: those of `send_message`, and `status::invalid_argument` for an empty
     * callable; then it does not run. */
    template <class F>
    void request(const std::string &json, std::chrono::milliseconds timeout, F &&callback) {
        request_impl(json, timeout, std::forward<F>(callback), nullptr);
    }
    /** The same with an error code. */
    template <class F>
    void request(const std::string &json, std::chrono::milliseconds timeout, F &&callback,
                 std::error_code &ec) {
        request_impl(json, timeout, std::forward<F>(callback), &ec);
    }
    /** The same with a future: the reply, or a drt::error with the server's error as its message.
     * Do not wait for it on the thread that runs callbacks. */
    [[nodiscard]] std::future<std::string>
    request(const std::string &json, std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
        std::promise<std::string> promise;
        auto answer = promise.get_future();
        send(json, timeout, detail::on_answer, std::move(promise), nullptr);
        return answer;
    }

    /** Poll delivery: a descriptor that is readable while callbacks are queued; -1 in thread
     * delivery. */
    int fd() const noexcept { return drt_client_fd(handle_); }
    /** Poll delivery: runs queued callbacks on this thread, and returns how many. Without a
     * timeout, or with a negative one, it waits until there is one. `max_events` 0 means all. Not
     * inside a callback. Errors: `status::invalid_argument` (thread delivery), `would_deadlock`,
     * `closed`. */
    std::size_t dispatch(std::optional<std::chrono::milliseconds> timeout = {},
                         std::size_t max_events = 0) {
        std::size_t done = 0;
        detail::check(dispatch_impl(timeout, max_events, done));
        return done;
    }
    /** The same with an error code. */
    std::size_t dispatch(std::optional<std::chrono::milliseconds> timeout, std::size_t max_events,
                         std::error_code &ec) noexcept {
        std::size_t done = 0;
        detail::check(dispatch_impl(timeout, max_events, done), ec);
        return done;
    }
    /** Poll delivery: runs only the callbacks for states, tokens and replies that are queued, ahead
     * of the events, which keep their order, and returns how many. It does not wait. `max` 0 means
     * all. Errors are those of `dispatch`. */
    std::size_t dispatch_control(std::size_t max = 0) {
        std::size_t done = 0;
        detail::check(dispatch_control_impl(max, done));
        return done;
    }
    /** The same with an error code. */
    std::size_t dispatch_control(std::size_t max, std::error_code &ec) noexcept {
        std::size_t done = 0;
        detail::check(dispatch_control_impl(max, done), ec);
        return done;
    }
    /** Poll delivery: returns queued events as a JSON array, valid until the next call, instead of
     * running their callbacks; see `drt_client_drain`. The first member of each event is the
     * `subscription::key` of its subscription. Other callbacks run; `*drained` counts these and
     * the events. Timeout and errors are those of `dispatch`. */
    std::string_view drain(std::optional<std::chrono::milliseconds> timeout = {},
                           std::size_t max_events = 0, std::size_t *drained = nullptr) {
        std::string_view json;
        detail::check(drain_impl(timeout, max_events, json, drained));
        return json;
    }
    /** The same with an error code. */
    std::string_view drain(std::optional<std::chrono::milliseconds> timeout, std::size_t max_events,
                           std::size_t *drained, std::error_code &ec) noexcept {
        std::string_view json;
        detail::check(drain_impl(timeout, max_events, json, drained), ec);
        return json;
    }

    /** Whether this object has a client, and has not closed it. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /** Its handle; NULL once it is closed. */
    drt_client *c() const noexcept { return handle_; }

  private:
    template <class Options> drt_status open(const Options &options) noexcept {
        const char *message = detail::find_invalid_argument(options);
        if (message != nullptr) {
            return detail::refuse(message);
        }
        const drt_client_options raw = detail::raw(options);
        drt_client *handle = nullptr;
        const drt_status result = drt_client_new(&raw, &handle);
        handle_ = handle;
        return result;
    }

    drt_status close_impl(std::chrono::milliseconds timeout) noexcept {
        drt_client *handle = handle_;
        if (handle == nullptr) {
            return DRT_OK;
        }
        const drt_status result = drt_client_close(handle, detail::milliseconds(timeout));
        if (result != DRT_ERR_WOULD_DEADLOCK) {
            handle_.compare_exchange_strong(handle, nullptr);
        }
        // The client was closed by its handle before.
        return result == DRT_ERR_INVALID_HANDLE ? DRT_OK : result;
    }

    void finish() noexcept {
        drt_client *const handle = handle_.exchange(nullptr);
        if (handle != nullptr) {
            detail::close_client(handle);
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
    void request_impl(const std::string &json, std::chrono::milliseconds timeout, F &&callback,
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

    // A callback may destroy this object, so it must not be used after these calls.

    drt_status dispatch_impl(std::optional<std::chrono::milliseconds> timeout,
                             std::size_t max_events, std::size_t &done) noexcept {
        drt_client *const handle = handle_;
        const detail::dispatch_scope scope(handle);
        const drt_status result =
            drt_client_dispatch(handle, detail::dispatch_timeout(timeout), max_events, &done);
        scope.end();
        return result;
    }

    drt_status dispatch_control_impl(std::size_t max, std::size_t &done) noexcept {
        drt_client *const handle = handle_;
        const detail::dispatch_scope scope(handle);
        const drt_status result = drt_client_dispatch_control(handle, max, &done);
        scope.end();
        return result;
    }

    drt_status drain_impl(std::optional<std::chrono::milliseconds> timeout, std::size_t max_events,
                          std::string_view &json, std::size_t *drained) noexcept {
        drt_client *const handle = handle_;
        const detail::dispatch_scope scope(handle);
        const char *text = nullptr;
        std::size_t length = 0;
        const drt_status result = drt_client_drain(handle, detail::dispatch_timeout(timeout),
                                                   max_events, &text, &length, drained);
        if (!scope.end()) {
            json = detail::view(text, length);
        }
        return result;
    }

    std::atomic<drt_client *> handle_{nullptr};
};

/* ---- Log ----------------------------------------------------------------------------------- */

namespace detail {

using stored_log = std::shared_ptr<const log_function>;

inline void on_log(drt_log_level level, const char *target, const char *message, void *user_data) {
    const log_frame inside;
    guard([&] {
        const log_function &log = **static_cast<const stored_log *>(user_data);
        log(static_cast<log_level>(level), view(target), view(message));
    });
}

inline void release_log(void *user_data) {
    const log_frame inside;
    delete static_cast<stored_log *>(user_data);
}

/** Replaces the log function. The one before is destroyed once no call of it runs. */
inline drt_status set_log(log_level most, stored_log function) {
    // Declared before the lock, so that the old callable is destroyed after it is released.
    stored_log before;
    log_place &place = the_log();
    const std::lock_guard<std::mutex> locked(place.lock);
    const drt_status result = function == nullptr
                                  ? drt_set_log(DRT_LOG_OFF, nullptr, nullptr, nullptr)
                                  : drt_set_log(static_cast<drt_log_level>(most), on_log,
                                                new stored_log(function), release_log);
    if (result == DRT_OK) {
        before = std::exchange(place.function, std::move(function));
    }
    return result;
}

} // namespace detail

/** Ends the log. */
inline void end_log() noexcept { detail::set_log(log_level::off, nullptr); }

/** Sets the log function of all clients, up to a level: `(drt::log_level, std::string_view target,
 * std::string_view message)`, on any thread, on several at once. The log contains no secrets,
 * except in messages of the application's own exceptions, which are logged, too (see
 * drt::on_exception). An empty callable ends the log. Errors: `status::invalid_argument`. */
template <class F> void set_log(log_level most, F &&callback) {
    using callable = std::decay_t<F>;
    static_assert(std::is_invocable_v<callable &, log_level, std::string_view, std::string_view>,
                  "the callback is to be called with a drt::log_level and two std::string_view");
    if (most == log_level::off || detail::is_empty(callback)) {
        return end_log();
    }
    // A shared pointer, as std::function copies; the callable may be move-only, and its destructor
    // may throw.
    const auto destroy = [](callable *stored) { detail::guard([stored] { delete stored; }); };
    const std::shared_ptr<callable> stored(new callable(std::forward<F>(callback)), destroy);
    auto call = [stored](log_level level, std::string_view target, std::string_view message) {
        static_cast<void>(std::invoke(*stored, level, target, message));
    };
    detail::check(
        detail::set_log(most, std::make_shared<const detail::log_function>(std::move(call))));
}
/** Ends the log. */
inline void set_log(log_level, std::nullptr_t) noexcept { end_log(); }

} // namespace drt

#undef DRT_DETAIL_SHARED

#endif // DIRECTUS_REALTIME_HPP
