// A live feed: the latest posts, redrawn whenever one changes.
//
//     DIRECTUS_TOKEN=… feed http://localhost:8055
//
// Ends by Ctrl-C.
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <map>
#include <string>

#include <directus_realtime.hpp>
#include <nlohmann/json.hpp>

using nlohmann::json;

namespace {

volatile std::sig_atomic_t over = 0;

/// A member that may be missing or null.
std::string text(const json &item, const char *member) {
    const auto found = item.find(member);
    return found != item.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The posts, newest first. No lock is needed, as callbacks run one after the other.
class feed {
  public:
    void on_event(const drt::event &event) {
        const json data = json::parse(event.data());
        switch (event.kind()) {
        case drt::event_kind::init:
            // Replaces the old posts, which may be out of date after a gap.
            posts_.clear();
            for (const auto &post : data) {
                posts_[post.at("id")] = post;
            }
            break;
        case drt::event_kind::delete_:
            posts_.erase(data.at("id"));
            break;
        case drt::event_kind::error:
            note_ = text(data, "message");
            break;
        default:
            posts_[data.at("id")] = data;
        }
        draw();
    }

    void on_state(drt::state state, std::string_view message) {
        online_ = state == drt::state::connected;
        note_ = online_ ? std::string() : std::string(message);
        draw();
    }

  private:
    void draw() const {
        std::cout << (online_ ? "\n● Online" : "\n○ Offline") << "  " << note_
                  << "\nLive posts feed: " << posts_.size() << " posts\n";
        for (const auto &[id, post] : posts_) {
            std::cout << std::setw(6) << id << "  " << text(post, "title") << "  "
                      << text(post, "status") << '\n';
        }
        std::cout << std::flush;
    }

    std::map<std::int64_t, json, std::greater<>> posts_;
    bool online_ = false;
    std::string note_;
};

} // namespace

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: DIRECTUS_TOKEN=... feed URL\n";
        return 2;
    }
    std::signal(SIGINT, [](int) { over = 1; });
    const char *token = std::getenv("DIRECTUS_TOKEN");
    drt::client_options options;
    options.url = argv[1];
    options.access_token = token != nullptr ? token : "";
    options.delivery = drt::delivery::poll;
    feed shown;
    drt::client client(options);
    client.on_state([&](drt::state state, drt::status, std::string_view message) {
        shown.on_state(state, message);
    });
    drt::subscription_options posts;
    posts.collection = "posts";
    posts.uid = "live-posts-feed";
    posts.query = R"({"fields":["id","title","status"],"sort":["-id"],"limit":-1})";
    const auto subscription =
        client.subscribe(posts, [&](const drt::event &event) { shown.on_event(event); });
    while (over == 0) {
        client.dispatch(std::chrono::milliseconds(200));
    }
} catch (const drt::error &error) {
    std::cerr << error.message() << '\n';
    return 1;
}
