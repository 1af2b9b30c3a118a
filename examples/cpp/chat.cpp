// A chat: what is typed in one terminal appears in the other.
//
//     DIRECTUS_TOKEN=… chat http://localhost:8055 lobby Ann
//     DIRECTUS_TOKEN=… chat http://localhost:8055 lobby Bob
//
// Ends with its input: Ctrl-D.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>
#include <unordered_set>

#include <directus_realtime.hpp>
#include <nlohmann/json.hpp>

using nlohmann::json;

namespace {

constexpr std::chrono::seconds time_to_connect{10};

/// A member that may be missing or null.
std::string text(const json &item, const char *member) {
    const auto found = item.find(member);
    return found != item.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// As a JSON string. Invalid UTF-8 is replaced.
std::string dump(const json &value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// The messages of a channel, as one user sees them.
class chat {
  public:
    explicit chat(std::string name) : name_(std::move(name)) {}

    void on_event(const drt::event &event) {
        const json data = json::parse(event.data());
        if (event.kind() == drt::event_kind::create) {
            show(data);
        } else if (event.kind() == drt::event_kind::init) {
            // After a gap only the messages sent during it are new.
            for (const auto &message : data) {
                show(message);
            }
        } else if (event.kind() == drt::event_kind::error) {
            say("! " + text(data, "message"));
        }
    }

    void say(const std::string &line) {
        const std::lock_guard guard(printing_);
        std::cout << line << std::endl;
    }

  private:
    void show(const json &message) {
        if (shown_.insert(message.at("id").get<std::int64_t>()).second) {
            const std::string who = text(message, "user_name");
            say(who + (who == name_ ? " (you): " : ": ") + text(message, "text"));
        }
    }

    const std::string name_;
    std::mutex printing_;
    /// All of them, as ids may not arrive in order when several users write at once.
    std::unordered_set<std::int64_t> shown_;
};

} // namespace

int main(int argc, char **argv) try {
    if (argc != 4) {
        std::cerr << "usage: DIRECTUS_TOKEN=... chat URL CHANNEL NAME\n";
        return 2;
    }
    const std::string channel = argv[2], name = argv[3];
    const char *token = std::getenv("DIRECTUS_TOKEN");
    drt::client_options options;
    options.url = argv[1];
    options.access_token = token != nullptr ? token : "";
    chat view(name);
    drt::client client(options);
    client.on_state([&](drt::state state, drt::status, std::string_view message) {
        view.say((state == drt::state::connected ? "● " : "○ ") + std::string(message));
    });
    drt::subscription_options messages;
    messages.collection = "messages";
    messages.uid = "chat-" + channel;
    messages.query = dump({{"filter", {{"channel_id", {{"_eq", channel}}}}},
                           {"sort", {"date_created", "id"}},
                           {"limit", -1}});
    const auto subscription =
        client.subscribe(messages, [&](const drt::event &event) { view.on_event(event); });

    for (std::string line; std::getline(std::cin, line);) {
        if (line.empty()) {
            continue;
        }
        const json item = {{"channel_id", channel}, {"text", line}, {"user_name", name}};
        const json message = {
            {"type", "items"}, {"action", "create"}, {"collection", "messages"}, {"data", item}};
        try {
            // Lines typed before the link is up wait for it.
            client.wait(drt::state::connected, time_to_connect);
            client.request(dump(message)).get();
        } catch (const drt::error &error) {
            view.say("! not sent: " + error.message());
        }
    }
} catch (const drt::error &error) {
    std::cerr << error.message() << '\n';
    return 1;
}
