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
 * Clients, scopes and subscriptions are move-only values that end what they stand for.
 * What fails throws drt::error; where a failure is ordinary there is an overload with a
 * std::error_code. The rules of directus_realtime.h on threads, callbacks and blocking
 * calls hold. An exception that leaves a callback goes to drt::on_exception.
 */
#ifndef DIRECTUS_REALTIME_HPP
#define DIRECTUS_REALTIME_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "directus_realtime.h"

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

/** The category of the library's error codes. */
inline const std::error_category &category() noexcept {
    struct category_type final : std::error_category {
        const char *name() const noexcept override { return "directus_realtime"; }
        std::string message(int value) const override { return drt_status_name(value); }
        std::error_condition default_error_condition(int value) const noexcept override {
            switch (value) {
            case DRT_ERR_INVALID_ARGUMENT:
            case DRT_ERR_INVALID_UTF8:
            case DRT_ERR_INVALID_JSON:
                return std::errc::invalid_argument;
            case DRT_ERR_NOT_CONNECTED:
                return std::errc::not_connected;
            case DRT_ERR_TIMEOUT:
                return std::errc::timed_out;
            case DRT_ERR_IO:
                return std::errc::io_error;
            case DRT_ERR_WOULD_DEADLOCK:
                return std::errc::resource_deadlock_would_occur;
            default:
                return std::error_condition(value, *this);
            }
        }
    };
    static const category_type instance;
    return instance;
}

/** An error code of the library's; `ec == drt::status::timeout` compares with it. */
inline std::error_code make_error_code(status value) noexcept {
    return {static_cast<int>(value), category()};
}

/** What failed calls throw. */
class error : public std::system_error {
  public:
    /** With a sentence of one's own. */
    error(drt::status status, const std::string &message)
        : std::system_error(make_error_code(status), message), message_(message) {}

    /** The library's result. */
    drt::status status() const noexcept { return static_cast<drt::status>(code().value()); }
    /** The library's sentence: what was wrong, and with which argument. */
    const std::string &message() const noexcept { return message_; }

  private:
    std::string message_;
};

/** A function that is told of exceptions that leave callbacks, on the thread of the
 * callback; it must not throw. */
using exception_handler = void (*)(std::exception_ptr);

namespace detail {

inline void print_exception(std::exception_ptr thrown) {
    try {
        std::rethrow_exception(std::move(thrown));
    } catch (const std::exception &caught) {
        std::fprintf(stderr, "directus_realtime: a callback has thrown: %s\n", caught.what());
    } catch (...) {
        std::fprintf(stderr, "directus_realtime: a callback has thrown\n");
    }
}

inline exception_handler &handler() noexcept {
    static exception_handler current = print_exception;
    return current;
}

/** Calls something of the application's; nothing leaves it. */
template <class F> void guard(F &&function) noexcept {
    try {
        std::forward<F>(function)();
    } catch (...) {
        handler()(std::current_exception());
    }
}

inline status to_status(drt_status value) noexcept { return static_cast<status>(value); }

inline void check(drt_status value) {
    if (value < 0) {
        throw error(to_status(value), drt_last_error());
    }
}

inline void check(drt_status value, std::error_code &ec) noexcept {
    ec = value < 0 ? make_error_code(to_status(value)) : std::error_code();
}

/** Milliseconds as the library takes them; what is longer than it knows is the longest. */
template <class Rep, class Period>
std::uint32_t milliseconds(std::chrono::duration<Rep, Period> time) noexcept {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    const auto most = std::int64_t{std::numeric_limits<std::int32_t>::max()};
    return static_cast<std::uint32_t>(std::clamp(std::int64_t{count}, std::int64_t{0}, most));
}

inline const char *text_or_null(const std::string &text) noexcept {
    return text.empty() ? nullptr : text.c_str();
}

inline std::string_view view(const char *text, std::size_t length) noexcept {
    return text == nullptr ? std::string_view() : std::string_view(text, length);
}

/** A callable in the library's keeping: it is deleted by `release`. */
template <class F> void release(void *callable) { delete static_cast<F *>(callable); }

template <class F> std::decay_t<F> *keep(F &&callable) {
    return new std::decay_t<F>(std::forward<F>(callable));
}

} // namespace detail

/** Sets who is told of exceptions that leave callbacks; by default they are printed to
 * standard error. To be called before there are clients. */
inline void on_exception(exception_handler handler) noexcept {
    detail::handler() = handler != nullptr ? handler : detail::print_exception;
}

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

/** Levels of the log. */
enum class log_level : std::int32_t {
    off = DRT_LOG_OFF,
    error = DRT_LOG_ERROR,
    warn = DRT_LOG_WARN,
    info = DRT_LOG_INFO,
    debug = DRT_LOG_DEBUG,
    trace = DRT_LOG_TRACE
};

/** Options of a client; see `drt_client_options`. What is empty or zero is the default. */
struct client_options {
    /** Required; several, with commas between, are replicas. */
    std::string url{};
    /** How the server wants to be shown credentials. */
    drt::auth_mode auth_mode = drt::auth_mode::handshake;
    /** A static token or a JWT. */
    std::string access_token{};
    /** For a login, with `password`. */
    std::string email{};
    /** For a login, with `email`. */
    std::string password{};
    /** Good for one use; its successors are kept in memory. */
    std::string refresh_token{};
    /** Who runs callbacks. */
    drt::delivery delivery = drt::delivery::thread;
    /** For DNS, TCP, TLS and upgrade together. */
    std::chrono::milliseconds connect_timeout{};
    /** For every answer of the server. */
    std::chrono::milliseconds ack_timeout{};
    /** Silence after which the client asks, and again after which the link is dead. */
    std::chrono::milliseconds heartbeat{};
    /** The first backoff's upper bound. */
    std::chrono::milliseconds reconnect_min{};
    /** Every backoff's upper bound. */
    std::chrono::milliseconds reconnect_max{};
    /** Failed attempts to reconnect before `state::failed`; 0 = never. */
    std::uint32_t reconnect_attempts = 0;
    /** Bytes that may wait for the application. */
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
    /** The User-Agent header. */
    std::string user_agent{};
    /** Bytes of the largest message that is taken. */
    std::uint64_t max_message_bytes = 0;

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
        return raw;
    }
};

/** Options of a subscription; see `drt_subscription_options`. What is empty or zero is
 * the default. */
struct subscription_options {
    /** Required. */
    std::string collection{};
    /** A JSON object. */
    std::string query{};
    /** Names the subscription within its client; one is generated where it is empty. */
    std::string uid{};
    /** Survives its object, its scope and the collective ways of unsubscribing. */
    bool persistent = false;
    /** Any of `DRT_ON_CREATE`, `DRT_ON_UPDATE`, `DRT_ON_DELETE`; 0 = all. */
    drt_event_mask events = 0;
    /** The primary key of the one item to watch. */
    std::string item{};
    /** The name of the primary key. */
    std::string primary_key{};
    /** How changes are cut into events. */
    drt::granularity granularity = drt::granularity::per_item;
    /** Which snapshot an INIT carries. */
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

/** Something that happened on the server. Views are valid during the callback only. */
class event {
  public:
    /** Looks at the library's own. */
    explicit event(const drt_event &raw) noexcept : raw_(&raw) {}

    /** What happened. */
    event_kind kind() const noexcept { return static_cast<event_kind>(raw_->kind); }
    /** JSON: the item, the snapshot, `{"<primary_key>": key}`, or `{"code", "message"}`. */
    std::string_view data() const noexcept { return detail::view(raw_->data, raw_->data_len); }
    /** The server's `meta`, as JSON. */
    std::string_view meta() const noexcept { return detail::view(raw_->meta, raw_->meta_len); }
    /** The subscription's uid. */
    std::string_view uid() const noexcept { return detail::view(raw_->uid, raw_->uid_len); }
    /** The subscription's collection. */
    std::string_view collection() const noexcept {
        return detail::view(raw_->collection, raw_->collection_len);
    }
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

/** A subscription among others; see `client::active_subscriptions`. */
struct subscription_info {
    /** Its uid. */
    std::string uid;
    /** Its collection. */
    std::string collection;
    /** Whether it survives its scope. */
    bool persistent;
    /** Whether the server has confirmed it. */
    bool active;
    /** The sequence number of its last event; 0 = none yet. */
    std::uint64_t last_sequence;
};

/**
 * A subscription. One that was made by a client ends with this object, unless it is
 * persistent or was let go of with `detach`; one that was made by a scope ends with the
 * scope. May be used on any thread, as values may: not by two at once.
 */
class subscription {
  public:
    subscription() noexcept = default;
    /** Stands for one of the C ABI; `owns`: and ends it. */
    subscription(drt_subscription *handle, bool owns) noexcept : handle_(handle), owns_(owns) {}
    /** Takes the other one's place, which is empty then. */
    subscription(subscription &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), owns_(other.owns_) {}
    /** Ends what it stood for, and takes the other one's place. */
    subscription &operator=(subscription &&other) noexcept {
        if (this != &other) {
            end();
            handle_ = std::exchange(other.handle_, nullptr);
            owns_ = other.owns_;
        }
        return *this;
    }
    ~subscription() { end(); }

    /** Waits until the server has confirmed it. Not inside a callback. */
    void wait(std::chrono::milliseconds timeout = std::chrono::milliseconds::max()) const {
        detail::check(drt_subscription_wait(handle_, detail::milliseconds(timeout)));
    }
    /** The same without an exception. */
    void wait(std::chrono::milliseconds timeout, std::error_code &ec) const noexcept {
        detail::check(drt_subscription_wait(handle_, detail::milliseconds(timeout)), ec);
    }

    /** Ends it now. When this returns its callback does not run and will not, unless
     * this was called inside of it. False when it had ended already. */
    bool unsubscribe() {
        const drt_status result = drt_subscription_unsubscribe(std::exchange(handle_, nullptr));
        if (result == DRT_ERR_INVALID_HANDLE) {
            return false;
        }
        detail::check(result);
        return true;
    }

    /** It lives on without this object, until its client ends. */
    void detach() noexcept { handle_ = nullptr; }

    /** The library's own; NULL in an empty object. */
    drt_subscription *c() const noexcept { return handle_; }

  private:
    void end() noexcept {
        if (owns_ && handle_ != nullptr) {
            drt_subscription_unsubscribe(handle_);
        }
    }

    drt_subscription *handle_ = nullptr;
    bool owns_ = false;
};

namespace detail {

template <class F> void on_event(const drt_event *raw, void *callable) {
    guard([&] { (*static_cast<F *>(callable))(event(*raw)); });
}

template <class F>
drt_status subscribe(drt_client *client, drt_scope *scope, const drt_subscription_options &options,
                     F &&callback, drt_subscription **out) {
    using callable = std::decay_t<F>;
    static_assert(std::is_invocable_v<callable &, const event &>,
                  "the callback is to be called with a const drt::event &");
    return drt_subscribe(client, scope, &options, on_event<callable>,
                         keep(std::forward<F>(callback)), release<callable>, out);
}

} // namespace detail

/** Subscriptions that end together: with `close`, or with this object. Persistent ones
 * live on. */
class scope {
  public:
    scope() noexcept = default;
    /** In a client of the C ABI. */
    explicit scope(drt_client *client) : client_(client) {
        detail::check(drt_scope_new(client, &handle_));
    }
    /** Takes the other one's place, which is empty then. */
    scope(scope &&other) noexcept
        : client_(other.client_), handle_(std::exchange(other.handle_, nullptr)) {}
    /** Ends what it stood for, and takes the other one's place. */
    scope &operator=(scope &&other) noexcept {
        if (this != &other) {
            close();
            client_ = other.client_;
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    ~scope() { close(); }

    /** Subscribes until the scope ends; the result may be dropped. */
    template <class F> subscription subscribe(const subscription_options &options, F &&callback) {
        return subscribe(options.c(), std::forward<F>(callback));
    }
    /** The same with options of the C ABI. */
    template <class F>
    subscription subscribe(const drt_subscription_options &options, F &&callback) {
        if (handle_ == nullptr) {
            // To the C ABI, NULL is no scope at all.
            throw error(status::invalid_handle, "the scope is closed, or was moved from");
        }
        drt_subscription *made = nullptr;
        detail::check(
            detail::subscribe(client_, handle_, options, std::forward<F>(callback), &made));
        return subscription(made, false);
    }

    /** Ends its subscriptions but the persistent ones. When this returns none of their
     * callbacks runs, but for one that it was called in. */
    void close() noexcept {
        if (handle_ != nullptr) {
            drt_scope_close(std::exchange(handle_, nullptr));
        }
    }

    /** The library's own; NULL once it is closed. */
    drt_scope *c() const noexcept { return handle_; }

  private:
    drt_client *client_ = nullptr;
    drt_scope *handle_ = nullptr;
};

/** A client of a Directus server. It is closed with this object, which waits five seconds
 * at most for a polite farewell and for a callback that runs. */
class client {
  public:
    /** Makes one; nothing goes out before `connect` or the first subscription. */
    explicit client(const client_options &options) : client(options.c()) {}
    /** The same with options of the C ABI. */
    explicit client(const drt_client_options &options) {
        detail::check(drt_client_new(&options, &handle_));
    }
    /** Takes the other one's place, which is empty then. */
    client(client &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    /** Ends what it stood for, and takes the other one's place. */
    client &operator=(client &&other) noexcept {
        if (this != &other) {
            finish();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    ~client() { finish(); }

    /** Closes it now. Not inside a callback. */
    void close(std::chrono::milliseconds timeout = std::chrono::seconds(5)) {
        drt_client *handle = handle_;
        const drt_status result = drt_client_close(handle, detail::milliseconds(timeout));
        if (result != DRT_ERR_WOULD_DEADLOCK) {
            handle_ = nullptr;
        }
        detail::check(result);
    }

    /** Tells of every change of state: `(drt::state, drt::status reason, std::string_view)`. */
    template <class F> void on_state(F &&callback) {
        using callable = std::decay_t<F>;
        static_assert(std::is_invocable_v<callable &, drt::state, drt::status, std::string_view>);
        const auto call = [](drt_client *, drt_state now, drt_status reason, const char *message,
                             void *kept) {
            detail::guard([&] {
                (*static_cast<callable *>(kept))(static_cast<drt::state>(now),
                                                 detail::to_status(reason), message);
            });
        };
        detail::check(drt_client_on_state(handle_, call, detail::keep(std::forward<F>(callback)),
                                          detail::release<callable>));
    }

    /** Asks for tokens: `(drt::status reason)`; the answer is `set_token`, or a returned
     * string. */
    template <class F> void on_token(F &&callback) {
        using callable = std::decay_t<F>;
        static_assert(std::is_invocable_v<callable &, drt::status>);
        const auto call = [](drt_client *handle, drt_status reason, void *kept) {
            detail::guard([&] {
                callable &ask = *static_cast<callable *>(kept);
                if constexpr (std::is_void_v<std::invoke_result_t<callable &, drt::status>>) {
                    ask(detail::to_status(reason));
                } else {
                    const std::string token = ask(detail::to_status(reason));
                    detail::check(drt_client_set_token(handle, token.c_str()));
                }
            });
        };
        detail::check(drt_client_on_token(handle_, call, detail::keep(std::forward<F>(callback)),
                                          detail::release<callable>));
    }

    /** Starts to connect and returns at once; the first subscription does that, too. */
    void connect() { detail::check(drt_client_connect(handle_)); }
    /** Drops the link, if there is one, and connects now. */
    void reconnect() { detail::check(drt_client_reconnect(handle_)); }
    /** Takes the link down until `connect` or `reconnect`; subscriptions are kept. */
    void disconnect() { detail::check(drt_client_disconnect(handle_)); }
    /** Replaces the access token; a live link is authenticated anew. */
    void set_token(const std::string &access_token) {
        detail::check(drt_client_set_token(handle_, access_token.c_str()));
    }

    /** The state now; closed once it is closed or was moved from. */
    drt::state state() const noexcept { return static_cast<drt::state>(drt_client_state(handle_)); }
    /** Authenticated and usable. */
    bool is_connected() const noexcept { return drt_client_is_connected(handle_); }
    /** Waits until a state is entered. Not inside a callback. */
    void wait(drt::state wanted, std::chrono::milliseconds timeout) const {
        const auto number = static_cast<drt_state>(wanted);
        detail::check(drt_client_wait(handle_, number, detail::milliseconds(timeout)));
    }
    /** The same without an exception. */
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

    /** A scope in this client. */
    drt::scope scope() { return drt::scope(handle_); }

    /** Follows a collection, or an item of it: `(const drt::event &)`. It ends with the
     * result, unless it is persistent. Where the uid is taken, the result stands for the
     * subscription that has it, without ending it. */
    template <class F>
    [[nodiscard]] subscription subscribe(const subscription_options &options, F &&callback) {
        return subscribe(options.c(), std::forward<F>(callback));
    }
    /** The same with options of the C ABI. */
    template <class F>
    [[nodiscard]] subscription subscribe(const drt_subscription_options &options, F &&callback) {
        std::error_code ec;
        subscription made = subscribe(options, std::forward<F>(callback), ec);
        if (ec) {
            throw error(static_cast<drt::status>(ec.value()), drt_last_error());
        }
        return made;
    }
    /** The same without an exception. */
    template <class F>
    [[nodiscard]] subscription subscribe(const subscription_options &options, F &&callback,
                                         std::error_code &ec) {
        return subscribe(options.c(), std::forward<F>(callback), ec);
    }
    /** The same with options of the C ABI, without an exception. */
    template <class F>
    [[nodiscard]] subscription subscribe(const drt_subscription_options &options, F &&callback,
                                         std::error_code &ec) {
        drt_subscription *made = nullptr;
        const drt_status result =
            detail::subscribe(handle_, nullptr, options, std::forward<F>(callback), &made);
        detail::check(result, ec);
        return subscription(made, result == DRT_OK && !options.persistent);
    }

    /** Ends a subscription by its uid, persistent or not; false when there is none. */
    bool unsubscribe(const std::string &uid) {
        const drt_status result = drt_unsubscribe(handle_, uid.c_str());
        if (result == DRT_ERR_NOT_FOUND) {
            return false;
        }
        detail::check(result);
        return true;
    }
    /** Ends a collection's subscriptions but the persistent ones; how many those are. */
    std::size_t unsubscribe_collection(const std::string &collection) {
        std::size_t ended = 0;
        detail::check(drt_unsubscribe_collection(handle_, collection.c_str(), &ended));
        return ended;
    }
    /** Ends all subscriptions but the persistent ones; how many those are. */
    std::size_t unsubscribe_all() {
        std::size_t ended = 0;
        detail::check(drt_unsubscribe_all(handle_, &ended));
        return ended;
    }
    /** Whether a subscription has that uid. */
    bool has_subscription(const std::string &uid) const noexcept {
        return drt_has_subscription(handle_, uid.c_str());
    }
    /** The subscriptions, in the order in which they were made. */
    std::vector<subscription_info> active_subscriptions() const {
        std::vector<subscription_info> found;
        const auto visit = [](const drt_subscription_info *info, void *into) {
            auto &all = *static_cast<std::vector<subscription_info> *>(into);
            all.push_back({std::string(info->uid, info->uid_len),
                           std::string(info->collection, info->collection_len), info->persistent,
                           info->status == DRT_SUB_ACTIVE, info->last_sequence});
            return true;
        };
        detail::check(drt_active_subscriptions(handle_, visit, &found));
        return found;
    }

    /** Sends a message, a JSON object with a `type`, that expects no answer. */
    void send_message(const std::string &json) {
        detail::check(drt_send_message(handle_, json.c_str()));
    }
    /** The same without an exception. */
    void send_message(const std::string &json, std::error_code &ec) noexcept {
        detail::check(drt_send_message(handle_, json.c_str()), ec);
    }

    /** Sends a message; `(drt::status, std::string_view json)` runs once, with the answer,
     * or the server's error. */
    template <class F>
    void request(const std::string &json, std::chrono::milliseconds timeout, F &&callback) {
        using callable = std::decay_t<F>;
        static_assert(std::is_invocable_v<callable &, drt::status, std::string_view>);
        const auto call = [](drt_status result, const char *text, std::size_t length, void *kept) {
            detail::guard([&] {
                (*static_cast<callable *>(kept))(detail::to_status(result),
                                                 detail::view(text, length));
            });
        };
        detail::check(drt_request(handle_, json.c_str(), detail::milliseconds(timeout), call,
                                  detail::keep(std::forward<F>(callback)),
                                  detail::release<callable>));
    }
    /** The same as a future: the answer, or a drt::error whose message is the server's
     * error. Not to be waited for where callbacks run. */
    [[nodiscard]] std::future<std::string>
    request(const std::string &json, std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
        std::promise<std::string> promise;
        auto answer = promise.get_future();
        request(json, timeout,
                [promise = std::move(promise)](drt::status result, std::string_view text) mutable {
                    if (result == drt::status::ok) {
                        promise.set_value(std::string(text));
                        return;
                    }
                    const std::string why =
                        text.empty() ? "the request was not answered" : std::string(text);
                    promise.set_exception(std::make_exception_ptr(error(result, why)));
                });
        return answer;
    }

    /** Poll delivery: readable while something waits; -1 in thread delivery. */
    int fd() const noexcept { return drt_client_fd(handle_); }
    /** Poll delivery: runs callbacks that are due, on this thread; how many. Without a
     * timeout it waits until there is one. */
    std::size_t dispatch(std::optional<std::chrono::milliseconds> timeout = {},
                         std::size_t max_events = 0) {
        std::size_t done = 0;
        detail::check(drt_client_dispatch(handle_, wait_ms(timeout), max_events, &done));
        return done;
    }
    /** Poll delivery: events as a JSON array, valid until the next call; see
     * `drt_client_drain`. */
    std::string_view drain(std::optional<std::chrono::milliseconds> timeout = {},
                           std::size_t max_events = 0, std::size_t *drained = nullptr) {
        const char *json = nullptr;
        std::size_t length = 0, count = 0;
        detail::check(
            drt_client_drain(handle_, wait_ms(timeout), max_events, &json, &length, &count));
        if (drained != nullptr) {
            *drained = count;
        }
        return detail::view(json, length);
    }

    /** The library's own; NULL once it is closed. */
    drt_client *c() const noexcept { return handle_; }

  private:
    static std::int32_t wait_ms(std::optional<std::chrono::milliseconds> timeout) noexcept {
        return timeout ? static_cast<std::int32_t>(detail::milliseconds(*timeout)) : -1;
    }

    void finish() noexcept {
        constexpr std::uint32_t farewell_ms = 5000;
        drt_client *handle = std::exchange(handle_, nullptr);
        if (handle == nullptr) {
            return;
        }
        if (drt_client_close(handle, farewell_ms) == DRT_ERR_WOULD_DEADLOCK) {
            // The last owner was a callback, which cannot wait for itself.
            detail::guard([handle] {
                std::thread([handle] { drt_client_close(handle, farewell_ms); }).detach();
            });
        }
    }

    drt_client *handle_ = nullptr;
};

/** Sets where the log of all clients goes, up to a level: `(drt::log_level,
 * std::string_view target, std::string_view message)`, on any thread. No secret is in it. */
template <class F> void set_log(log_level most, F &&callback) {
    using callable = std::decay_t<F>;
    const auto call = [](drt_log_level level, const char *target, const char *message, void *kept) {
        detail::guard([&] {
            (*static_cast<callable *>(kept))(static_cast<log_level>(level),
                                             std::string_view(target), std::string_view(message));
        });
    };
    detail::check(drt_set_log(static_cast<drt_log_level>(most), call,
                              detail::keep(std::forward<F>(callback)), detail::release<callable>));
}

/** Ends the log. */
inline void end_log() noexcept { drt_set_log(DRT_LOG_OFF, nullptr, nullptr, nullptr); }

} // namespace drt

#endif // DIRECTUS_REALTIME_HPP
