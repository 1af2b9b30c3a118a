// What becomes of exceptions: of callbacks, of destructors, of memory that is short.
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
/// Valgrind has functions of its own in the place of these; there no allocation fails.
std::atomic<bool> is_replaced = false;

} // namespace

// Where they are inlined, the compiler takes them for a mismatch.
#define APART __attribute__((noinline))

APART void *operator new(std::size_t size) {
    is_replaced = true;
    void *const memory = allocations_left == 0 ? nullptr : std::malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    allocations_left -= allocations_left > 0;
    return memory;
}
APART void operator delete(void *memory) noexcept { std::free(memory); }
APART void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

namespace {

std::atomic<int> told = 0;

void count(std::exception_ptr thrown) {
    try {
        std::rethrow_exception(std::move(thrown));
    } catch (const std::runtime_error &caught) {
        told += std::string_view(caught.what()) == "on purpose";
    }
}

[[noreturn]] void throw_on_purpose() { throw std::runtime_error("on purpose"); }

/// What was logged as an error.
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

void every_kind_of_callback_may_throw() {
    drt::on_exception(count);
    auto without = options();
    without.access_token.clear();
    drt::client client(without);
    client.on_token([](drt::status) -> std::string { throw_on_purpose(); });
    client.connect();
    EVENTUALLY(told >= 1);
    client.set_token(server::token);
    client.wait(drt::state::connected, 30s);
    client.on_state([](drt::state, drt::status, std::string_view) -> void { throw_on_purpose(); });
    const int before = told;
    client.request(R"({"type":"ping"})", 30s,
                   [](drt::status, std::string_view) -> void { throw_on_purpose(); });
    EVENTUALLY(told == before + 1);
    auto subscription =
        client.subscribe(posts("throws"), [](const drt::event &) -> void { throw_on_purpose(); });
    EVENTUALLY(told == before + 2);
    client.close();
    EVENTUALLY(told > before + 2);
    drt::on_exception(nullptr);
}

void the_handler_may_be_changed_meanwhile() {
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

void exceptions_are_logged() {
    log lines;
    drt::set_log(drt::log_level::error, std::ref(lines));
    drt::client client(options());
    auto subscription =
        client.subscribe(posts("logged"), [](const drt::event &) -> void { throw_on_purpose(); });
    EVENTUALLY(lines.text().find("callback: a callback has thrown: on purpose") !=
               std::string::npos);
    // There may be none.
    drt::detail::log_exception(nullptr);
    EVENTUALLY(lines.text().find("has thrown\n") != std::string::npos);
    drt::end_log();
}

void log_functions_may_throw() {
    std::atomic<int> lines = 0;
    const auto trace = std::make_shared<int>(1);
    drt::set_log(drt::log_level::trace,
                 [&lines, trace](drt::log_level, std::string_view, std::string_view) -> void {
                     lines++;
                     throw_on_purpose();
                 });
    CHECK(trace.use_count() == 2);
    told = 0;
    drt::on_exception(count);
    {
        drt::client client(options());
        client.connect();
        client.wait(drt::state::connected, 30s);
    }
    CHECK(lines > 0 && told > 0);
    // What the log does not take is printed.
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
class bomb {
  public:
    bomb() = default;
    bomb(bomb &&other) noexcept : armed_(std::exchange(other.armed_, false)) {}
    ~bomb() noexcept(false) {
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

void destructors_of_callables_may_throw() {
    told = 0;
    drt::on_exception(count);
    {
        drt::client client(options());
        client.on_state(bomb());
        client.subscribe(posts("bomb"), bomb()).wait(30s);
        std::error_code ec;
        CHECK(!client.subscribe(drt::subscription_options(), bomb(), ec) && told >= 1);
        CHECK(ec == drt::status::invalid_argument);
    }
    CHECK(told == 3);
    drt::set_log(drt::log_level::error, bomb());
    drt::end_log();
    CHECK(told == 4);
    drt::on_exception(nullptr);
}

void memory_may_be_short() {
    drt::client client(options());
    auto wish = posts("memory");
    wish.uid = "a uid that is longer than what a string holds without memory of its own";
    auto subscription = client.subscribe(wish, [](const drt::event &) {});
    int failures = 0;
    for (int spare = 0; spare < 20; spare++) {
        try {
            allocations_left = spare;
            const auto all = client.active_subscriptions();
            const auto uid = subscription.uid();
            allocations_left = -1;
            CHECK(all.size() == 1 && uid == wish.uid && all[0].uid == uid);
        } catch (const std::bad_alloc &) {
            allocations_left = -1;
            failures++;
        }
    }
    CHECK(failures >= 3 || !is_replaced);
}

void errors_are_copied_without_failing() {
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
    every_kind_of_callback_may_throw();
    the_handler_may_be_changed_meanwhile();
    exceptions_are_logged();
    log_functions_may_throw();
    destructors_of_callables_may_throw();
    memory_may_be_short();
    errors_are_copied_without_failing();
}
