// Shows each new notification of the current user for five seconds.
//
//     DIRECTUS_TOKEN=… notifications http://localhost:8055
//
// Notifications made while the link was down are shown once it is back. Ends by Ctrl-C.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <unordered_set>

#include <directus_realtime.hpp>
#include <nlohmann/json.hpp>

using nlohmann::json;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds shown_for{5};

volatile std::sig_atomic_t over = 0;

/// A member that may be missing or null.
std::string text(const json &item, const char *member) {
    const auto found = item.find(member);
    return found != item.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The notifications that are currently shown, by id.
class board {
  public:
    board() { draw(); }

    void on_event(const drt::event &event) {
        const json data = json::parse(event.data());
        if (event.kind() == drt::event_kind::create) {
            show(data);
        } else if (event.kind() == drt::event_kind::init) {
            for (const auto &item : data) {
                if (event.resync()) {
                    show(item);
                } else {
                    // The first snapshot has the old ones, which are not shown.
                    known_.insert(item.at("id").get<std::int64_t>());
                }
            }
        } else if (event.kind() == drt::event_kind::error) {
            std::cout << "! " << text(data, "message") << std::endl;
        }
    }

    void on_state(drt::state state, std::string_view message) {
        std::cout << (state == drt::state::connected ? "● " : "○ ") << message << std::endl;
    }

    /// Removes notifications that were shown long enough.
    void tidy() {
        const auto now = clock_type::now();
        const auto before = notices_.size();
        for (auto at = notices_.begin(); at != notices_.end();) {
            at = at->second.until <= now ? notices_.erase(at) : std::next(at);
        }
        if (notices_.size() != before) {
            draw();
        }
    }

  private:
    struct notice {
        std::string message;
        clock_type::time_point until;
    };

    void show(const json &item) {
        const auto id = item.at("id").get<std::int64_t>();
        if (known_.insert(id).second) {
            notices_[id] = {text(item, "message"), clock_type::now() + shown_for};
            draw();
        }
    }

    void draw() const {
        for (const auto &[id, shown] : notices_) {
            std::cout << "* " << shown.message << '\n';
        }
        std::cout << (notices_.empty() ? "(nothing new)\n\n" : "\n") << std::flush;
    }

    std::map<std::int64_t, notice> notices_;
    /// All of them, as ids may not arrive in order when several are created at once.
    std::unordered_set<std::int64_t> known_;
};

} // namespace

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: DIRECTUS_TOKEN=... notifications URL\n";
        return 2;
    }
    std::signal(SIGINT, [](int) { over = 1; });
    const char *token = std::getenv("DIRECTUS_TOKEN");
    drt::client_options options;
    options.url = argv[1];
    options.access_token = token != nullptr ? token : "";
    options.delivery = drt::delivery::poll;
    board shown;
    drt::client client(options);
    client.on_state([&](drt::state state, drt::status, std::string_view message) {
        shown.on_state(state, message);
    });
    drt::subscription_options notifications;
    notifications.collection = "notifications";
    notifications.uid = "global-notifications";
    notifications.persistent = true;
    notifications.query =
        R"({"filter":{"user_id":{"_eq":"$CURRENT_USER"}},"sort":["id"],"limit":-1})";
    auto scope = client.scope();
    scope.subscribe(notifications, [&](const drt::event &event) { shown.on_event(event); });
    // A persistent subscription outlives the scope that it was made in.
    scope.close();
    while (over == 0) {
        client.dispatch(std::chrono::milliseconds(100));
        shown.tidy();
    }
} catch (const drt::error &error) {
    std::cerr << error.message() << '\n';
    return 1;
}
