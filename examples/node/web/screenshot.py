"""Takes docs/web.png: the page after some changes and a gap, in headless Chromium.

    python3 examples/node/web/screenshot.py

wants Debian's packages `chromium` and `fonts-inter`, and the package as `make
node-package` leaves it.
"""

import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "directus"), str(ROOT / "tests" / "examples")]

from browser import Browser  # noqa: E402
from folders import Folder  # noqa: E402
from install import install  # noqa: E402
from paths import shared_library  # noqa: E402
from server import Server  # noqa: E402
from web import Web, change_unseen  # noqa: E402

VERSION = "12.4.0"
PICTURE = ROOT / "docs" / "web.png"
# Longer than a new card is highlighted, so that the times in the picture differ.
PACE = 2.5
POSTS = [
    ("Harbour bridge closed overnight", "Both lanes, from ten until five.", "published"),
    ("Library opens on Sundays", "From November on, ten to four.", "published"),
    ("Ferry timetable for the winter", "The last boat leaves at half past eight.", "draft"),
    ("Market moves to the town hall", "Rain is expected all Saturday.", "published"),
]


def title_is(title):
    titles = "[...document.querySelectorAll('#posts h2')].map((each) => each.textContent)"
    return f"{titles}.includes({title!r})"


def tell_story(server, browser):
    """Makes what the picture shows: a gap with changes, new, changed and deleted posts."""
    bridge, library, ferry, market = server.rest.read("posts", "sort=id")

    def update(post, title, **more):
        server.rest.update("posts", post["id"], {"title": title, **more})
        browser.wait_for(title_is(title))
        time.sleep(PACE)

    def create(title, content, status):
        post = {"title": title, "content": content, "status": status}
        made = server.rest.create("posts", post)
        browser.wait_for(title_is(title))
        time.sleep(PACE)
        return made

    browser.wait_for(title_is(market["title"]))
    time.sleep(PACE)
    rumour = create("Tram line 4 is late", "An unconfirmed report.", "draft")
    server.kill()
    browser.wait_for("document.body.classList.contains('offline')")
    time.sleep(PACE)
    change_unseen(server, library["id"], "content", "From December on, noon to six.")
    server.start()
    browser.wait_for("!document.body.classList.contains('offline')")
    browser.wait_for("document.getElementById('notice').textContent.startsWith('RESYNC')")
    time.sleep(PACE)
    server.rest.delete("posts", rumour["id"])
    browser.wait_for(f"!{title_is(rumour['title'])}")
    time.sleep(PACE)
    update(bridge, "Harbour bridge open again", content="All lanes, since a quarter past four.")
    update(ferry, "Ferry timetable, second draft")
    create("Concert in the park tonight", "Free entry; bring a blanket.", "published")


def main():
    os.environ.setdefault("DIRECTUS_REALTIME_LIBRARY", str(shared_library()))
    install(VERSION)
    folder = Folder("127.0.0.1")
    try:
        with Server(VERSION) as server:
            names = ("title", "content", "status")
            server.rest.create("posts", [dict(zip(names, post)) for post in POSTS])
            with Web(server.url) as web, Browser(folder.path, 1000, 730) as browser:
                browser.open(web.url)
                tell_story(server, browser)
                PICTURE.write_bytes(browser.screenshot())
    finally:
        folder.remove()
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
