// Ending clients and subscriptions in every place: no callback runs afterwards (I4).
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "server.hpp"

using namespace std::chrono_literals;

namespace {

using clock_type = std::chrono::steady_clock;

/// Notices callbacks after the end, and the destruction of callables.
struct witness {
    std::atomic<bool> gone{false}, late{false};
    std::atomic<int> released{0};
    std::atomic<std::thread::id> released_on{};

    void note_call() {
        if (gone) {
            late = true;
        }
    }
    /// Held by a callable: counts the destruction of the callable.
    std::shared_ptr<void> trace() {
        return {this, [this](void *) {
                    released_on = std::this_thread::get_id();
                    released++;
                }};
    }
};

drt::client_options without_a_server(drt::delivery delivery = drt::delivery::thread) {
    drt::client_options made;
    made.url = "http://127.0.0.1:1";
    made.access_token = "x";
    made.delivery = delivery;
    return made;
}

void closing_a_client_in_a_callback_of_another_waits_for_its_callback() {
    std::atomic<bool> done = false;
    witness seen;
    drt::client outer(without_a_server());
    outer.on_state([&](drt::state, drt::status, std::string_view) {
        if (done.exchange(true)) {
            return;
        }
        std::atomic<bool> entered = false;
        // A late callback reads freed memory here, which sanitizers and valgrind report.
        auto captured = std::make_unique<int>(7);
        {
            drt::client inner(without_a_server());
            inner.on_state([&, number = captured.get(),
                            trace = seen.trace()](drt::state, drt::status, std::string_view) {
                entered = true;
                std::this_thread::sleep_for(300ms);
                CHECK(*number == 7);
                seen.note_call();
            });
            inner.connect();
            while (!entered) {
                std::this_thread::sleep_for(1ms);
            }
        }
        seen.gone = true;
        CHECK(seen.released == 1);
    });
    outer.connect();
    EVENTUALLY(seen.gone);
    std::this_thread::sleep_for(500ms);
    CHECK(!seen.late);
}

void a_poll_client_can_be_closed_in_a_callback_of_another() {
    std::atomic<bool> done = false;
    witness seen;
    drt::client outer(without_a_server());
    outer.on_state([&](drt::state, drt::status, std::string_view) {
        if (!done.exchange(true)) {
            {
                drt::client inner(without_a_server(drt::delivery::poll));
                inner.on_state(
                    [trace = seen.trace()](drt::state, drt::status, std::string_view) {});
            }
            CHECK(seen.released == 1);
            seen.gone = true;
        }
    });
    outer.connect();
    EVENTUALLY(seen.gone);
}

void closing_a_client_in_a_callback_of_another_waits_five_seconds_at_most() {
    std::optional<drt::subscription> follows;
    std::atomic<int> seconds = -1;
    std::atomic<bool> begin = false;
    drt::client outer(options());
    follows = outer.subscribe(posts("bounded"), [&](const drt::event &) {
        while (!begin) {
            std::this_thread::sleep_for(1ms);
        }
        const auto start = clock_type::now();
        {
            drt::client inner(without_a_server(drt::delivery::poll));
            // Destroying this callable waits for the very callback that does it.
            inner.on_state(
                [held = std::move(*follows)](drt::state, drt::status, std::string_view) {});
        }
        seconds = static_cast<int>((clock_type::now() - start) / 1s);
    });
    begin = true;
    EVENTUALLY(seconds >= 0);
    CHECK(seconds >= 4 && seconds <= 20);
}

/// A client that destroys itself in a callback, while replies and a state change are due.
struct application {
    explicit application(drt::delivery delivery, witness &watching)
        : seen(watching), client(options(delivery)) {
        client->on_state(
            [this, trace = seen.trace()](drt::state now, drt::status, std::string_view) {
                seen.note_call();
                if (now == drt::state::connected) {
                    end();
                }
            });
        client->on_token([&seen = seen, trace = seen.trace()](drt::status) { seen.note_call(); });
        client
            ->subscribe_persistent(posts("own"), [&seen = seen, trace = seen.trace()](
                                                     const drt::event &) { seen.note_call(); })
            .detach();
    }

    void end() {
        client->request(R"({"type":"ping"})", 30s,
                        [&seen = seen, trace = seen.trace()](drt::status, std::string_view) {
                            seen.note_call();
                        });
        answer = client->request(R"({"type":"ping"})");
        client->disconnect();
        client.reset();
        seen.gone = true;
    }

    witness &seen;
    std::optional<drt::client> client;
    std::future<std::string> answer;
};

void a_client_closed_in_its_own_callback_calls_no_more_callbacks() {
    witness seen;
    application app(drt::delivery::thread, seen);
    EVENTUALLY(seen.released == 4);
    CHECK(seen.gone && !seen.late);
    CHECK(app.answer.wait_for(30s) == std::future_status::ready);
    try {
        app.answer.get();
    } catch (const drt::error &error) {
        CHECK(error.status() == drt::status::closed ||
              error.status() == drt::status::not_connected);
    }
}

void a_poll_client_closed_in_its_own_callback_is_released_inside_dispatch() {
    for (const bool drains : {false, true}) {
        witness seen;
        application app(drt::delivery::poll, seen);
        while (!seen.gone) {
            // It is destroyed inside one of these calls.
            if (drains) {
                const auto json = app.client->drain(1s);
                CHECK(!seen.gone || json.empty());
            } else {
                app.client->dispatch(1s);
            }
            CHECK(!seen.gone || seen.released == 4);
        }
        CHECK(!seen.late && seen.released_on.load() == std::this_thread::get_id());
        CHECK(app.answer.wait_for(0s) == std::future_status::ready);
        // The thread can run the callbacks of another client afterwards.
        drt::client next(without_a_server(drt::delivery::poll));
        int calls = 0;
        next.on_state([&](drt::state, drt::status, std::string_view) { calls++; });
        next.connect();
        CHECK(next.dispatch(10s) > 0 && calls > 0);
    }
}

void a_poll_client_closed_inside_a_c_dispatch_is_released_too() {
    witness seen;
    application app(drt::delivery::poll, seen);
    drt_client *const handle = app.client->c();
    std::size_t done = 0;
    while (!seen.gone) {
        CHECK(drt_client_dispatch(handle, 1000, 0, &done) == DRT_OK);
    }
    EVENTUALLY(seen.released == 4);
    CHECK(!seen.late);
}

void subscriptions_and_scopes_can_be_ended_in_their_own_callbacks() {
    drt::client client(options());
    std::atomic<int> calls = 0;
    std::promise<void> made;
    const auto ready = made.get_future().share();
    drt::subscription own;
    drt::scope scope = client.scope();
    own = client.subscribe(posts("own"),
                           [&, ready, text = std::string(100, 'x')](const drt::event &) {
                               ready.wait();
                               own = drt::subscription();
                               CHECK(text == std::string(100, 'x'));
                               calls++;
                           });
    scope.subscribe(posts("own"), [&, ready](const drt::event &) {
        ready.wait();
        scope.close();
        calls++;
    });
    made.set_value();
    EVENTUALLY(calls == 2);
    CHECK(!own && !scope && client.active_subscriptions().empty());
}

/// Owns the client that it is passed to, and a check that runs after the client's end.
struct owner {
    void operator()(const drt::event &) const {}

    std::shared_ptr<void> destroyed_last;
    std::shared_ptr<drt::client> client;
    drt::subscription destroyed_first;
};

void a_refused_callable_may_own_the_client_that_refused_it() {
    auto client = std::make_shared<drt::client>(without_a_server());
    drt::client &plain = *client;
    drt_client *const handle = plain.c();
    auto ended = plain.subscribe(posts("refused"), [](const drt::event &) {});
    plain.unsubscribe_all();
    bool closed = false;
    const auto check_closed = [&closed, handle](void *) {
        // No callback of it was running, so it was closed at once.
        closed = drt_client_connect(handle) == DRT_ERR_INVALID_HANDLE;
    };
    try {
        plain
            .subscribe(drt::subscription_options(),
                       owner{std::shared_ptr<void>(&closed, check_closed), std::move(client),
                             std::move(ended)})
            .detach();
        CHECK(false);
    } catch (const drt::error &error) {
        // Ending the ended subscription fails, too, but must not replace the reported failure.
        CHECK(error.status() == drt::status::invalid_argument);
        CHECK(error.message().find("collection") != std::string::npos);
    }
    CHECK(closed);
}

void closing_a_closed_client_does_nothing() {
    drt::client client(without_a_server());
    CHECK(client && client.state() == drt::state::idle);
    client.close();
    client.close();
    std::error_code ec = make_error_code(drt::status::timeout);
    client.close(1s, ec);
    CHECK(!ec && !client && client.c() == nullptr);
    drt::client empty;
    empty.close();
    CHECK(!empty && empty.state() == drt::state::closed && empty.fd() == -1);
    drt::client closed_by_handle(without_a_server());
    CHECK(drt_client_close(closed_by_handle.c(), 1000) == DRT_OK);
    closed_by_handle.close();
    drt::client inside(without_a_server());
    std::atomic<bool> refused = false;
    inside.on_state([&](drt::state now, drt::status, std::string_view) {
        if (now == drt::state::connecting) {
            CHECK_THROWS(drt::status::would_deadlock, inside.close());
            refused = true;
        }
    });
    inside.connect();
    EVENTUALLY(refused);
    CHECK(inside.c() != nullptr);
}

void objects_may_be_used_by_many_threads() {
    for (int round = 0; round < 20; round++) {
        drt::client client(without_a_server());
        auto scope = client.scope();
        auto subscription = client.subscribe(posts("shared"), [](const drt::event &) {});
        std::atomic<bool> over = false;
        std::thread other([&] {
            while (!over) {
                static_cast<void>(client.state());
                static_cast<void>(client.is_connected());
                static_cast<void>(subscription.uid());
                std::error_code ec;
                scope.subscribe(posts("shared"), [](const drt::event &) {}, ec);
            }
        });
        subscription.unsubscribe();
        scope.close();
        client.close();
        over = true;
        other.join();
        CHECK(!client && !scope && !subscription);
    }
}

template <class T> void assign_to_itself(T &value) {
    T &same = value;
    value = std::move(same);
}

void moving_leaves_the_source_empty() {
    drt::client client(without_a_server());
    assign_to_itself(client);
    CHECK(client);
    auto subscription = client.subscribe(posts("moved"), [](const drt::event &) {});
    assign_to_itself(subscription);
    CHECK(subscription && client.active_subscriptions().size() == 1);
    auto scope = client.scope();
    assign_to_itself(scope);
    CHECK(scope);
    drt::client other = std::move(client);
    CHECK(other && !client && !client.has_subscription("x"));
    CHECK_THROWS(drt::status::invalid_handle, client.connect());
    scope.subscribe(posts("moved"), [](const drt::event &) {});
    CHECK(other.active_subscriptions().size() == 2);
    std::swap(client, other);
    CHECK(client && !other);
    client = drt::client();
    CHECK(!client && !subscription.unsubscribe());
}

} // namespace

int main(int argc, char **argv) {
    take_arguments(argc, argv);
    closing_a_client_in_a_callback_of_another_waits_for_its_callback();
    a_poll_client_can_be_closed_in_a_callback_of_another();
    closing_a_client_in_a_callback_of_another_waits_five_seconds_at_most();
    a_client_closed_in_its_own_callback_calls_no_more_callbacks();
    a_poll_client_closed_in_its_own_callback_is_released_inside_dispatch();
    a_poll_client_closed_inside_a_c_dispatch_is_released_too();
    subscriptions_and_scopes_can_be_ended_in_their_own_callbacks();
    a_refused_callable_may_own_the_client_that_refused_it();
    closing_a_closed_client_does_nothing();
    objects_may_be_used_by_many_threads();
    moving_leaves_the_source_empty();
}
