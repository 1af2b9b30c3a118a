// C++20: designated initialisers and std::jthread.
#include <atomic>
#include <thread>
#include <version>

#include "server.hpp"

using namespace std::chrono_literals;

int main(int argc, char **argv) {
    take_arguments(argc, argv);
    drt::client client(
        {.url = server::url, .access_token = server::token, .delivery = drt::delivery::poll});
    std::error_code ec;
    const drt::client other({.url = server::url, .access_token = server::token}, ec);
    CHECK(other && !ec);
    std::atomic<int> events = 0;
    const auto count = [&](const drt::event &) { events++; };
    auto scope = client.scope();
    auto one = client.subscribe({.collection = "posts", .uid = "one"}, count);
    auto two = client.subscribe({.collection = "posts", .events = drt::on::create}, count, ec);
    scope.subscribe({.collection = "posts", .query = R"({"limit":1})"}, count);
    scope.subscribe({.collection = "posts"}, count, ec);
    client.subscribe_persistent({.collection = "posts"}, count);
    CHECK(client.active_subscriptions().size() == 5);
#if defined(__cpp_lib_jthread)
    {
        const std::jthread dispatching([&](std::stop_token stop) {
            while (!stop.stop_requested()) {
                client.dispatch(50ms);
            }
        });
        EVENTUALLY(events >= 5);
    }
#endif
    client.close();
}
