// Exceptions of callbacks, of destructors of callables, and of failed allocations.
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <type_traits>

#include "server.hpp"

using namespace std::chrono_literals;

namespace {

/// How many allocations of this thread still succeed; negative = all.
thread_local int allocations_left = -1;
/// Whether the operators below are used: valgrind replaces them, and then no allocation fails.
std::atomic<bool> is_replaced = false;

} // namespace

// Not inlined, as the compiler would warn of mismatched new and delete.
#define NOT_INLINE __attribute__((noinline))

NOT_INLINE void *operator new(std::size_t size) {
    is_replaced = true;
    void *const memory = allocations_left == 0 ? nullptr : std::malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    allocations_left -= allocations_left > 0;
    return memory;
}
NOT_INLINE void operator delete(void *memory) noexcept { std::free(memory); }
NOT_INLINE void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

namespace {

std::atomic<int> reported = 0;

void count(std::exception_ptr thrown) {
    try {
        std::rethrow_exception(std::move(thrown));
    } catch (const std::runtime_error &caught) {
        reported += std::string_view(caught.what()) == "on purpose";
    }
}

[[noreturn]] void throw_on_purpose() { throw std::runtime_error("on purpose"); }

/// Collects what is logged as an error.
class log {
  public:
    void operator()(drt::log_level level, std::string_view target, std::string_view message) {
        const std::lock_guard guard(lock_);
        if (level == drt::log_level::error) {
            text_.append(target).append(": ").append(message).append("\n");
        }
    }
    std::string text() {
        const std::lock_guard guard(lock_);
        return text_;
    }

  private:
    std::mutex lock_;
    std::string text_;
};

void exceptions_of_every_kind_of_callback_go_to_the_handler() {
    drt::on_exception(count);
    auto without = options();
    without.access_token.clear();
    drt::client client(without);
    client.on_token([](drt::status) -> std::string { throw_on_purpose(); });
    client.connect();
    EVENTUALLY(reported >= 1);
    client.set_token(server::token);
    client.wait(drt::state::connected, 30s);
    client.on_state([](drt::state, drt::status, std::string_view) -> void { throw_on_purpose(); });
    const int before = reported;
    client.request(R"({"type":"ping"})", 30s,
                   [](drt::status, std::string_view) -> void { throw_on_purpose(); });
    EVENTUALLY(reported == before + 1);
    auto subscription =
        client.subscribe(posts("throws"), [](const drt::event &) -> void { throw_on_purpose(); });
    EVENTUALLY(reported == before + 2);
    client.close();
    EVENTUALLY(reported > before + 2);
    drt::on_exception(nullptr);
}

void the_handler_may_be_changed_while_callbacks_throw() {
    drt::client client(options(drt::delivery::poll));
    std::atomic<bool> over = false;
    std::thread other([&] {
        while (!over) {
            drt::on_exception(nullptr);
            drt::on_exception(count);
        }
    });
    for (int round = 0; round < 100; round++) {
        drt::detail::guard([] { throw_on_purpose(); });
    }
    over = true;
    other.join();
    drt::on_exception(nullptr);
}

void exceptions_are_logged_by_default() {
    log lines;
    drt::set_log(drt::log_level::error, std::ref(lines));
    drt::client client(options());
    auto subscription =
        client.subscribe(posts("logged"), [](const drt::event &) -> void { throw_on_purpose(); });
    EVENTUALLY(lines.text().find("callback: a callback has thrown: on purpose") !=
               std::string::npos);
    // The handler may get a null pointer.
    drt::detail::log_exception(nullptr);
    EVENTUALLY(lines.text().find("has thrown\n") != std::string::npos);
    drt::end_log();
}

void exceptions_of_log_functions_go_to_the_handler() {
    std::atomic<int> lines = 0;
    const auto trace = std::make_shared<int>(1);
    drt::set_log(drt::log_level::trace,
                 [&lines, trace](drt::log_level, std::string_view, std::string_view) -> void {
                     lines++;
                     throw_on_purpose();
                 });
    CHECK(trace.use_count() == 2);
    reported = 0;
    drt::on_exception(count);
    {
        drt::client client(options());
        client.connect();
        client.wait(drt::state::connected, 30s);
    }
    CHECK(lines > 0 && reported > 0);
    // Where the log function throws, the exception is printed.
    drt::on_exception(nullptr);
    {
        drt::client client(options());
        std::atomic<bool> thrown = false;
        client.on_state([&](drt::state, drt::status, std::string_view) -> void {
            thrown = true;
            throw_on_purpose();
        });
        client.connect();
        EVENTUALLY(thrown);
    }
    drt::end_log();
    EVENTUALLY(trace.use_count() == 1);
}

/// Throws when it is destroyed, unless it was moved from.
class throws_when_destroyed {
  public:
    throws_when_destroyed() = default;
    throws_when_destroyed(throws_when_destroyed &&other) noexcept
        : armed_(std::exchange(other.armed_, false)) {}
    ~throws_when_destroyed() noexcept(false) {
        if (armed_) {
            throw_on_purpose();
        }
    }
    void operator()(const drt::event &) const {}
    void operator()(drt::state, drt::status, std::string_view) const {}
    void operator()(drt::log_level, std::string_view, std::string_view) const {}

  private:
    bool armed_ = true;
};

void exceptions_of_callables_destructors_go_to_the_handler() {
    reported = 0;
    drt::on_exception(count);
    {
        drt::client client(options());
        client.on_state(throws_when_destroyed());
        client.subscribe(posts("bomb"), throws_when_destroyed()).wait(30s);
        std::error_code ec;
        CHECK(!client.subscribe(drt::subscription_options(), throws_when_destroyed(), ec) &&
              reported >= 1);
        CHECK(ec == drt::status::invalid_argument);
    }
    CHECK(reported == 3);
    drt::set_log(drt::log_level::error, throws_when_destroyed());
    drt::end_log();
    CHECK(reported == 4);
    drt::on_exception(nullptr);
}

void a_failed_allocation_throws_bad_alloc() {
    drt::client client(options());
    auto named = posts("memory");
    named.uid = "a uid that is longer than what a string holds without memory of its own";
    auto subscription = client.subscribe(named, [](const drt::event &) {});
    int failures = 0;
    for (int spare = 0; spare < 20; spare++) {
        try {
            allocations_left = spare;
            const auto all = client.active_subscriptions();
            const auto uid = subscription.uid();
            allocations_left = -1;
            CHECK(all.size() == 1 && uid == named.uid && all[0].uid == uid);
        } catch (const std::bad_alloc &) {
            allocations_left = -1;
            failures++;
        }
    }
    CHECK(failures >= 3 || !is_replaced);
}

void copying_an_error_cannot_fail() {
    static_assert(std::is_nothrow_copy_constructible_v<drt::error>);
    static_assert(std::is_nothrow_copy_assignable_v<drt::error>);
    drt::error first(drt::status::timeout, "too late");
    const drt::error copy = first;
    const drt::error moved = std::move(first);
    CHECK(copy.message() == "too late" && moved.message() == "too late");
    CHECK(first.message() == "too late" && first.status() == drt::status::timeout);
}

} // namespace

int main(int argc, char **argv) {
    take_arguments(argc, argv);
    exceptions_of_every_kind_of_callback_go_to_the_handler();
    the_handler_may_be_changed_while_callbacks_throw();
    exceptions_are_logged_by_default();
    exceptions_of_log_functions_go_to_the_handler();
    exceptions_of_callables_destructors_go_to_the_handler();
    a_failed_allocation_throws_bad_alloc();
    copying_an_error_cannot_fail();
}
