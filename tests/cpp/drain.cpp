// Drained events, and the keys of their subscriptions.
#include <cstdlib>
#include <map>

#include "server.hpp"

using namespace std::chrono_literals;

namespace {

/// The keys of a batch, `[[key,...],[key,...]]`, and how often each occurs. The data of these
/// tests contains no brackets.
std::map<std::uint64_t, int> keys_of(std::string_view json) {
    std::map<std::uint64_t, int> found;
    const std::string text(json);
    for (auto at = text.find('['); at != std::string::npos; at = text.find('[', at + 1)) {
        if (at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9') {
            found[std::strtoull(text.c_str() + at + 1, nullptr, 10)]++;
        }
    }
    return found;
}

void drained_events_have_the_keys_of_their_subscriptions() {
    drt::client client(options(drt::delivery::poll));
    const auto fails = [](const drt::event &) { fail("a callback runs", __FILE__, __LINE__); };
    auto one = client.subscribe(posts("drained one"), fails);
    auto other = client.subscribe(posts("drained other"),
                                  [&fails](const drt::event &event) { fails(event); });
    CHECK(one.key() != other.key());
    std::map<std::uint64_t, int> seen;
    std::size_t counted = 0;
    const auto drain_until = [&](int events_of_one, int events_of_other) {
        while (seen[one.key()] < events_of_one || seen[other.key()] < events_of_other) {
            std::size_t drained = 0;
            for (const auto &[key, events] : keys_of(client.drain(30s, 0, &drained))) {
                CHECK(key == one.key() || key == other.key());
                seen[key] += events;
            }
            counted += drained;
        }
    };
    drain_until(1, 1);
    int answers = 0;
    for (const char *title : {"drained one", "drained one", "drained other"}) {
        client.request(creation(title), 30s, [&](drt::status result, std::string_view) {
            CHECK(result == drt::status::ok);
            answers++;
        });
    }
    drain_until(3, 2);
    while (answers < 3) {
        counted += client.dispatch(30s);
    }
    CHECK(seen[one.key()] == 3 && seen[other.key()] == 2 && counted == 8);
}

void a_negative_timeout_waits_without_limit() {
    drt::client client(options(drt::delivery::poll));
    int calls = 0;
    client.on_state([&](drt::state, drt::status, std::string_view) { calls++; });
    client.connect();
    while (!client.is_connected()) {
        // As in C, it returns only once it has run a callback.
        CHECK(client.dispatch(-1ms) > 0);
    }
    while (client.dispatch(0ms) > 0) {
    }
    client.request(R"({"type":"ping"})", 30s, [](drt::status, std::string_view) {});
    std::size_t drained = 0;
    CHECK(client.drain(-5s, 0, &drained) == "[]" && drained == 1);
}

} // namespace

int main(int argc, char **argv) {
    take_arguments(argc, argv);
    drained_events_have_the_keys_of_their_subscriptions();
    a_negative_timeout_waits_without_limit();
}
