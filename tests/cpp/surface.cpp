// The callables, options and error codes that the C++ wrapper accepts and returns.
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "server.hpp"

using namespace std::chrono_literals;

namespace {

template <class T>
constexpr bool is_a_value =
    !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> &&
    std::is_nothrow_default_constructible_v<T> && std::is_nothrow_move_constructible_v<T> &&
    std::is_nothrow_move_assignable_v<T> && std::is_nothrow_destructible_v<T> &&
    std::is_nothrow_swappable_v<T>;
static_assert(is_a_value<drt::client> && is_a_value<drt::scope> && is_a_value<drt::subscription>);

const auto ignore = [](const drt::event &) {};

void free_function(const drt::event &) {}

/// Accepts the event only as a const lvalue.
struct const_lvalue_callable {
    void operator()(const drt::event &) {}
    void operator()(drt::event &&) = delete;
};

void any_callable_is_accepted() {
    drt::client client(options());
    auto scope = client.scope();
    scope.subscribe(posts("any"), free_function);
    scope.subscribe(posts("any"), &free_function);
    scope.subscribe(posts("any"), const_lvalue_callable());
    scope.subscribe(posts("any"), &drt::event::data);
    scope.subscribe(posts("any"), drt::event_callback(ignore));
    scope.subscribe(posts("any"), [alive = std::make_unique<int>(1)](const drt::event &) {});
    CHECK(client.active_subscriptions().size() == 6);
    std::atomic<std::size_t> length = 0;
    client.on_state([&](auto, auto, auto message) { length += message.size(); });
    client.connect();
    EVENTUALLY(length > 0);
}

void an_empty_callable_removes_the_callback_or_is_refused() {
    drt::client client(options());
    const auto trace = std::make_shared<int>(1);
    const auto state = [trace](drt::state, drt::status, std::string_view) {};
    const auto ask = [trace](drt::status) {};
    using state_function = std::function<void(drt::state, drt::status, std::string_view)>;
    using token_function = std::function<std::string(drt::status)>;
    client.on_state(state);
    client.on_state(nullptr);
    client.on_state(state);
    client.on_state(state_function());
    client.on_state(state);
    client.on_state(static_cast<void (*)(drt::state, drt::status, std::string_view)>(nullptr));
    client.on_token(ask);
    client.on_token(nullptr);
    client.on_token(ask);
    client.on_token(token_function());
    EVENTUALLY(trace.use_count() == 3);

    auto scope = client.scope();
    std::error_code ec;
    void (*const no_function)(const drt::event &) = nullptr;
    CHECK_THROWS(drt::status::invalid_argument, scope.subscribe(posts("x"), no_function));
    CHECK(!client.subscribe(posts("x"), drt::event_callback(), ec));
    CHECK(ec == drt::status::invalid_argument && drt::last_error() == "`callback` is empty");
    client.request("{}", 1s, std::function<void(drt::status, std::string_view)>(), ec);
    CHECK(ec == drt::status::invalid_argument);
    CHECK(client.active_subscriptions().empty());

    const auto log = [trace](drt::log_level, std::string_view, std::string_view) {};
    drt::set_log(drt::log_level::error, log);
    drt::set_log(drt::log_level::error, nullptr);
    drt::set_log(drt::log_level::error, log);
    drt::set_log(drt::log_level::error,
                 std::function<void(drt::log_level, std::string_view, std::string_view)>());
    drt::set_log(drt::log_level::off, log);
    CHECK(trace.use_count() == 4);
    CHECK_THROWS(drt::status::invalid_argument, drt::set_log(static_cast<drt::log_level>(9), log));
    CHECK(trace.use_count() == 4);
}

/// Connects without a token in the options, and with this token callback.
template <class F> void connect_with_tokens_of(const F &answer) {
    auto without = options();
    without.access_token.clear();
    drt::client client(without);
    client.on_token(answer);
    client.connect();
    client.wait(drt::state::connected, 30s);
}

void a_token_callback_may_return_any_string_type() {
    connect_with_tokens_of([](drt::status) { return server::token; });
    connect_with_tokens_of([](drt::status) { return std::string_view(server::token); });
    connect_with_tokens_of([](drt::status) { return server::token.c_str(); });
    connect_with_tokens_of([](drt::status) { return std::optional<std::string>(server::token); });
    connect_with_tokens_of(
        [](drt::status) { return std::optional<std::string_view>(server::token); });
    auto without = options();
    without.access_token.clear();
    drt::client client(without);
    std::atomic<int> asked = 0;
    client.on_token([&](drt::status) -> std::optional<std::string> {
        asked++;
        return std::nullopt;
    });
    client.connect();
    EVENTUALLY(asked == 1);
    client.set_token(server::token);
    client.wait(drt::state::connected, 30s);
    client.disconnect();
}

/// The exception of a wait for the link.
drt::error failure_of(const drt::client_options &given) {
    drt::client client(given);
    client.connect();
    std::error_code ec;
    client.wait(drt::state::connected, 5s, ec);
    CHECK(ec);
    CHECK(drt::last_error().find("timed out after") != std::string::npos ||
          ec != drt::status::timeout);
    try {
        client.wait(drt::state::connected, 100ms);
    } catch (const drt::error &caught) {
        return caught;
    }
    fail("a wait succeeds without a link", __FILE__, __LINE__);
}

void a_failed_wait_reports_why_there_is_no_link() {
    auto closed = options();
    closed.url = "http://127.0.0.1:1";
    closed.reconnect_min = 10s; // so that no attempt is under way at the end of the wait
    const auto refused = failure_of(closed);
    CHECK(refused.status() == drt::status::timeout);
    CHECK(refused.message().find("127.0.0.1:1 refused the connection") != std::string::npos);
    auto wrong = options();
    wrong.access_token = "wrong";
    const auto failed = failure_of(wrong);
    CHECK(failed.status() == drt::status::auth);
    CHECK(failed.message().find("the server refused the access token") != std::string::npos);
}

void event_kinds_have_names() {
    CHECK(drt::event_kind_name(drt::event_kind::init) == std::string_view("init"));
    CHECK(drt::event_kind_name(drt::event_kind::delete_) == std::string_view("delete"));
    CHECK(drt::event_kind_name(static_cast<drt::event_kind>(99)) == std::string_view("unknown"));
}

void event_masks_combine_c_and_cpp_values() {
    drt::subscription_options mask = posts("mask");
    CHECK(mask.events == 0);
    mask.events = DRT_ON_CREATE | DRT_ON_UPDATE;
    CHECK(mask.events == 3u && mask.c().events == 3);
    mask.events |= DRT_ON_DELETE;
    const drt_event_mask all = mask.events;
    CHECK(all == 7);
    mask.events = drt::on::create | drt::on::delete_;
    CHECK(mask.c().events == (DRT_ON_CREATE | DRT_ON_DELETE));
    mask.events = drt::on::create | drt::on::update | drt::on::delete_;
    CHECK(mask.c().events == 7);
    mask.events = drt::on::update;
    CHECK(mask.c().events == DRT_ON_UPDATE);
    mask.events |= drt::on::create;
    drt::client client(options());
    CHECK(client.subscribe(mask, ignore));
}

void subscriptions_have_uids_handles_and_keys() {
    drt::client client(options());
    std::atomic<drt_subscription *> seen = nullptr;
    auto named = posts("who");
    auto first =
        client.subscribe(named, [&](const drt::event &event) { seen = event.subscription(); });
    CHECK(first && !first.is_duplicate() && first.key() != 0 && !first.uid().empty());
    EVENTUALLY(seen == first.c());
    named.uid = first.uid();
    std::error_code ec = make_error_code(drt::status::timeout);
    const auto second = client.subscribe(named, ignore, ec);
    CHECK(!ec && second.is_duplicate() && second.c() == first.c() && second.key() == 0);
    CHECK(second.uid() == first.uid());
    const auto all = client.active_subscriptions();
    CHECK(all.size() == 1 && all[0].handle == first.c() && all[0].uid == first.uid());
    const auto key = first.key();
    drt::subscription moved = std::move(first);
    CHECK(!first && first.key() == 0 && first.uid().empty() && moved.key() == key);
    moved.unsubscribe();
    CHECK(!moved && moved.key() == key && moved.uid().empty());
    // The results of these may be ignored.
    named.uid = "kept";
    client.subscribe_persistent(named, ignore);
    client.subscribe_persistent(named, ignore, ec);
    CHECK(client.active_subscriptions()[0].persistent);
}

void the_option_structs_of_c_are_accepted() {
    const auto values = options();
    const drt_client_options raw = values.c();
    drt::client client(raw);
    drt_subscription_options raw_posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    raw_posts.collection = "posts";
    std::error_code ec;
    auto one = client.subscribe(raw_posts, ignore);
    auto two = client.subscribe(raw_posts, ignore, ec);
    auto scope = client.scope(ec);
    scope.subscribe(raw_posts, ignore);
    scope.subscribe(raw_posts, ignore, ec);
    auto braced = client.subscribe({"posts"}, ignore);
    CHECK(one && two && scope && braced && !ec && client.active_subscriptions().size() == 5);
    const drt::client other(raw, ec);
    CHECK(other && !ec);
}

void calls_that_may_fail_have_overloads_with_error_codes() {
    std::error_code ec;
    const drt::client none(drt::client_options(), ec);
    CHECK(!none && ec == drt::status::invalid_argument && !drt::last_error().empty());
    drt::client client(options(), ec);
    CHECK(client && !ec);
    client.dispatch(0ms, 0, ec);
    CHECK(ec == drt::status::invalid_argument);
    CHECK(client.drain(0ms, 0, nullptr, ec).empty() && ec == drt::status::invalid_argument);
    auto scope = client.scope(ec);
    CHECK(scope && !ec);
    CHECK(!scope.subscribe(drt::subscription_options(), ignore, ec));
    CHECK(ec == drt::status::invalid_argument);
    scope.close();
    CHECK(!scope.subscribe(posts("closed"), ignore, ec) && ec == drt::status::invalid_handle);
    CHECK(drt::last_error() == "the scope is closed, or was moved from");
    client.request(R"({"type":"ping"})", 1s, [](drt::status, std::string_view) {}, ec);
    CHECK(ec == drt::status::not_connected);
    // The message is that of the last failure, whether the library or the header found it.
    CHECK(drt::last_error() != "the scope is closed, or was moved from");
    client.connect(ec);
    CHECK(!ec);
    client.reconnect(ec);
    CHECK(!ec);
    client.set_token(server::token, ec);
    CHECK(!ec);
    client.disconnect(ec);
    CHECK(!ec);
    client.close(5s, ec);
    CHECK(!ec);
    client.connect(ec);
    CHECK(ec == drt::status::invalid_handle);
    client.reconnect(ec);
    CHECK(ec == drt::status::invalid_handle);
    client.disconnect(ec);
    CHECK(ec == drt::status::invalid_handle);
    client.set_token(server::token, ec);
    CHECK(ec == drt::status::invalid_handle);
    CHECK(!client.scope(ec) && ec == drt::status::invalid_handle);
}

void an_error_code_has_a_message_and_a_condition() {
    for (int value :
         {0, 1, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, -14, -15, -127, -99}) {
        const std::error_code code(value, drt::category());
        CHECK(code.message().find(' ') != std::string::npos || value == 0);
        CHECK(code.message().find("DRT_") == std::string::npos);
    }
    const std::error_code timeout = drt::status::timeout;
    CHECK(timeout.message() == "it did not happen within the time allowed");
    CHECK(std::string_view(drt::status_name(drt::status::timeout)) == "DRT_ERR_TIMEOUT");
    CHECK(timeout == std::errc::timed_out);
    const auto is = [](drt::status status, std::errc condition) {
        return make_error_code(status) == condition;
    };
    CHECK(is(drt::status::auth, std::errc::permission_denied));
    CHECK(is(drt::status::queue_full, std::errc::resource_unavailable_try_again));
    CHECK(is(drt::status::not_found, std::errc::no_such_file_or_directory));
    CHECK(is(drt::status::invalid_handle, std::errc::bad_file_descriptor));
    CHECK(is(drt::status::closed, std::errc::operation_canceled));
    CHECK(is(drt::status::tls, std::errc::protocol_error));
    CHECK(is(drt::status::forked, std::errc::operation_not_permitted));
    CHECK(std::error_code(0, drt::category()).default_error_condition() == std::error_condition());
    CHECK(make_error_code(drt::status::server).default_error_condition().category() ==
          drt::category());
}

void a_string_with_a_nul_byte_is_refused() {
    const std::string text("a\0b", 3);
    auto values = options();
    values.access_token += text;
    CHECK_THROWS(drt::status::invalid_argument, drt::client(values).c());
    std::error_code ec;
    values = options();
    values.url += text;
    CHECK(!drt::client(values, ec) && drt::last_error() == "`url` has a NUL byte in it");
    drt::client client(options());
    auto named = posts(text);
    CHECK_THROWS(drt::status::invalid_argument, client.subscribe(named, ignore).c());
    CHECK_THROWS(drt::status::invalid_argument, client.set_token(text));
    CHECK_THROWS(drt::status::invalid_argument, client.send_message("{}" + text));
    CHECK_THROWS(drt::status::invalid_argument, client.request("{}" + text));
    CHECK_THROWS(drt::status::invalid_argument, client.unsubscribe(text));
    CHECK_THROWS(drt::status::invalid_argument, client.unsubscribe_collection(text));
    CHECK(!client.has_subscription(text));
}

} // namespace

int main(int argc, char **argv) {
    take_arguments(argc, argv);
    any_callable_is_accepted();
    an_empty_callable_removes_the_callback_or_is_refused();
    a_token_callback_may_return_any_string_type();
    a_failed_wait_reports_why_there_is_no_link();
    event_kinds_have_names();
    event_masks_combine_c_and_cpp_values();
    subscriptions_have_uids_handles_and_keys();
    the_option_structs_of_c_are_accepted();
    calls_that_may_fail_have_overloads_with_error_codes();
    an_error_code_has_a_message_and_a_condition();
    a_string_with_a_nul_byte_is_refused();
}
