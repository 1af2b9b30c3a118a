// Common uses of the C++ wrapper, against a real server.
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server.hpp"

using namespace std::chrono_literals;

namespace {

/// Records events. Any thread may read it.
class log {
  public:
    void add(const drt::event &event) {
        const std::lock_guard guard(lock_);
        kinds_.push_back(event.kind());
        data_.emplace_back(event.data());
    }
    std::size_t count(drt::event_kind kind) const {
        const std::lock_guard guard(lock_);
        std::size_t found = 0;
        for (const auto each : kinds_) {
            found += each == kind;
        }
        return found;
    }
    std::string last() const {
        const std::lock_guard guard(lock_);
        return data_.empty() ? std::string() : data_.back();
    }

  private:
    mutable std::mutex lock_;
    std::vector<drt::event_kind> kinds_;
    std::vector<std::string> data_;
};

std::string create(drt::client &client, const std::string &title) {
    return client.request(creation(title)).get();
}

void events_reach_a_move_only_callable() {
    drt::client client(options());
    log seen;
    // The callable is move-only, so it must be moved, not copied.
    auto alive = std::make_unique<int>(7);
    std::atomic<int> sum = 0;
    auto subscription = client.subscribe(
        posts("callable"), [&seen, &sum, alive = std::move(alive)](const drt::event &event) {
            sum += *alive;
            CHECK(event.collection() == "posts");
            CHECK(event.count() == 1 && event.index() == 0);
            CHECK(event.sequence() >= 1 && event.meta().empty());
            CHECK(!event.resync() && !event.ended() && !event.uid().empty());
            seen.add(event);
        });
    subscription.wait(30s);
    CHECK(client.is_connected() && client.state() == drt::state::connected);
    CHECK(create(client, "callable").find("\"data\"") != std::string::npos);
    EVENTUALLY(seen.count(drt::event_kind::create) == 1);
    CHECK(seen.last().find("callable") != std::string::npos);
    CHECK(sum >= 14);
    drt::event_callback stored = [&seen](const drt::event &event) { seen.add(event); };
    auto other = client.subscribe(posts("callable"), stored);
    other.wait(30s);
    EVENTUALLY(seen.count(drt::event_kind::init) == 2);
    CHECK(client.stats().events >= 3);
}

void destructors_end_subscriptions_and_scopes() {
    drt::client client(options());
    auto ignore = [](const drt::event &) {};
    auto values = posts("values");
    {
        values.uid = "ends";
        auto one = client.subscribe(values, ignore);
        auto moved = std::move(one);
        CHECK(one.c() == nullptr && client.has_subscription("ends"));
        // The destructor of a duplicate does not end the first subscription.
        const auto same = client.subscribe(values, ignore);
    }
    CHECK(!client.has_subscription("ends"));
    {
        values.uid = "detached";
        client.subscribe(values, ignore).detach();
        values.uid = "persistent";
        values.persistent = true;
        const auto persistent = client.subscribe(values, ignore);
        values.persistent = false;
    }
    CHECK(client.has_subscription("detached") && client.has_subscription("persistent"));
    {
        auto scope = client.scope();
        values.uid = "scoped";
        scope.subscribe(values, ignore);
        CHECK(client.has_subscription("scoped"));
        auto other = std::move(scope);
        CHECK(scope.c() == nullptr);
        CHECK_THROWS(drt::status::invalid_handle, scope.subscribe(values, ignore).c());
    }
    CHECK(!client.has_subscription("scoped"));
    const auto all = client.active_subscriptions();
    CHECK(all.size() == 2 && all[0].uid == "detached" && all[1].persistent);
    CHECK(client.unsubscribe_collection("posts") == 1 && client.unsubscribe_all() == 0);
    CHECK(client.unsubscribe("persistent") && !client.unsubscribe("persistent"));
    auto last = client.subscribe(values, ignore);
    CHECK(last.unsubscribe() && !last.unsubscribe());
}

void failed_calls_throw_or_set_an_error_code() {
    CHECK_THROWS(drt::status::invalid_argument, drt::client(drt::client_options()).c());
    drt::client client(options());
    auto ignore = [](const drt::event &) {};
    CHECK_THROWS(drt::status::invalid_argument,
                 client.subscribe(drt::subscription_options(), ignore).c());
    std::error_code ec;
    auto none = client.subscribe(drt::subscription_options(), ignore, ec);
    CHECK(ec == drt::status::invalid_argument && ec == std::errc::invalid_argument);
    CHECK(none.c() == nullptr && drt::last_error().find("collection") != std::string::npos);
    client.wait(drt::state::connected, 10ms, ec);
    CHECK(ec == drt::status::timeout && ec == std::errc::timed_out);
    client.send_message(R"({"type":"ping"})", ec);
    CHECK(ec == std::errc::not_connected);
    CHECK_THROWS(drt::status::not_connected, client.send_message(R"({"type":"ping"})"));
    client.connect();
    client.wait(drt::state::connected, 30s);
    client.send_message(R"({"type":"ping"})", ec);
    CHECK(!ec);
    CHECK_THROWS(drt::status::invalid_json, client.send_message("{"));
    CHECK_THROWS(
        drt::status::server,
        client.request(R"({"type":"items","action":"read","collection":"directus_users"})").get());
    CHECK_THROWS(drt::status::timeout, client.request(R"({"type":"unheard of"})", 100ms).get());
    auto refused = posts("refused");
    refused.collection = "no_such_collection";
    auto subscription = client.subscribe(refused, ignore);
    CHECK_THROWS(drt::status::server, subscription.wait(30s));
    client.close();
    CHECK(client.c() == nullptr && client.state() == drt::state::closed);
    CHECK_THROWS(drt::status::invalid_handle, client.connect());
}

std::atomic<int> reported = 0;

void exceptions_of_callbacks_go_to_the_handler() {
    drt::on_exception([](std::exception_ptr thrown) {
        try {
            std::rethrow_exception(std::move(thrown));
        } catch (const std::runtime_error &) {
            reported++;
        }
    });
    drt::client client(options());
    std::atomic<int> calls = 0;
    client.on_state([](drt::state, drt::status, std::string_view) -> void {
        throw std::runtime_error("on purpose");
    });
    auto subscription = client.subscribe(posts("throws"), [&](const drt::event &) {
        calls++;
        throw std::runtime_error("on purpose");
    });
    subscription.wait(30s);
    create(client, "throws");
    EVENTUALLY(calls == 2 && reported >= 5);
    client.close();
    drt::on_exception(nullptr);
}

void state_token_and_log_callbacks_run() {
    std::atomic<int> lines = 0, asked = 0;
    drt::set_log(drt::log_level::trace, [&](drt::log_level, std::string_view target,
                                            std::string_view message) {
        CHECK(!target.empty() && message.find(server::token) == std::string_view::npos);
        lines++;
    });
    auto without = options();
    without.access_token.clear();
    drt::client client(without);
    std::atomic<int> connected = 0;
    client.on_token([&](drt::status) {
        asked++;
        return server::token;
    });
    client.on_state([&](drt::state state, drt::status, std::string_view message) {
        CHECK(!message.empty());
        connected += state == drt::state::connected;
    });
    client.connect();
    client.wait(drt::state::connected, 30s);
    client.disconnect();
    client.wait(drt::state::idle, 30s);
    client.reconnect();
    client.wait(drt::state::connected, 30s);
    EVENTUALLY(connected == 2 && asked >= 1 && lines > 10);
    client.set_token(server::token);
    client.close();
    drt::end_log();
}

void poll_delivery_runs_callbacks_inside_dispatch() {
    drt::client client(options(drt::delivery::poll));
    CHECK(client.fd() >= 0);
    const auto here = std::this_thread::get_id();
    bool got = false;
    auto subscription = client.subscribe(posts("polled"), [&](const drt::event &) {
        CHECK(std::this_thread::get_id() == here);
        got = true;
    });
    subscription.wait(30s);
    while (!got) {
        client.dispatch(1s);
    }
    CHECK(client.dispatch(0ms) == 0);
    client.request(R"({"type":"ping"})", 30s, [](drt::status result, std::string_view json) {
        CHECK(result == drt::status::ok && json.find("pong") != json.npos);
    });
    CHECK(client.dispatch() == 1);
    auto answer = client.request(R"({"type":"ping"})");
    while (answer.wait_for(0s) != std::future_status::ready) {
        client.dispatch(1s);
    }
    std::size_t drained = 1;
    CHECK(client.drain(0ms, 10, &drained) == "[]" && drained == 0);
}

void a_client_may_be_destroyed_in_its_callback() {
    auto client = std::make_shared<drt::client>(options());
    std::weak_ptr<drt::client> watch = client;
    std::atomic<bool> entered = false, go = false;
    client
        ->subscribe(posts("inside"),
                    [&entered, &go, client](const drt::event &) mutable {
                        entered = true;
                        while (!go) {
                            std::this_thread::sleep_for(1ms);
                        }
                        client.reset();
                    })
        .detach();
    EVENTUALLY(entered);
    client.reset();
    go = true;
    EVENTUALLY(watch.expired());
}

} // namespace

int main(int argc, char **argv) {
    take_arguments(argc, argv);
    events_reach_a_move_only_callable();
    destructors_end_subscriptions_and_scopes();
    failed_calls_throw_or_set_an_error_code();
    exceptions_of_callbacks_go_to_the_handler();
    state_token_and_log_callbacks_run();
    poll_delivery_runs_callbacks_inside_dispatch();
    a_client_may_be_destroyed_in_its_callback();
}
