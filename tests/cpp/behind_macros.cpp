// The header after those of libraries that define common words as macros. The standard headers
// that it includes come first, as they need not compile after such macros.
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

#include "../c/foreign_macros.h"

#include <directus_realtime.hpp>

// The header leaves the macros as they were.
#if !defined(emit) || !defined(Status) || !defined(major) || !defined(min) || !defined(ERROR)
#error "a macro of another library is gone"
#endif

// Instantiates the templates, which are compiled only where they are used.
int main() {
    using namespace std::chrono_literals;
    drt::client_options options;
    options.url = "http://127.0.0.1:9";
    options.access_token = "token";
    options.delivery = drt::delivery::poll;
    drt::client client(options);
    client.on_state([](drt::state, drt::status, std::string_view) {});
    client.on_token([](drt::status) {});
    drt::subscription_options posts;
    posts.collection = "posts";
    posts.events = drt::on::create | drt::on::delete_;
    auto scope = client.scope();
    auto subscription = scope.subscribe(posts, [](const drt::event &) {});
    client.dispatch(1ms);
    client.drain(1ms);
    std::error_code ec;
    client.wait(drt::state::connected, 1ms, ec);
    std::printf("%s: %s\n", ec.message().c_str(), drt::last_error().c_str());
    drt::set_log(drt::log_level::off, nullptr);
    subscription.unsubscribe();
    scope.close();
    client.close(1s);
}
