"""The recipes of docs/python-frameworks.md, as the page has them, against a real server."""

import unittest
import uuid

from recipes import (
    DIRECT,
    RECIPES,
    TIMEOUT,
    folder,
    free_port,
    get,
    get_json,
    need,
    rest,
    run,
    until,
    write,
)

USED = {"main.py", "posts_site.py", "gunicorn.conf.py", "tasks.py", "health.py"}

# A further route, by which the test sees that nothing is left behind.
SUBSCRIPTIONS = """

@app.get("/subscriptions")
async def subscriptions(request: Request):
    return request.app.state.client.stats.subscriptions
"""


def create_post():
    """Creates a post; returns its title."""
    title = f"post {uuid.uuid4()}"
    rest().create("posts", {"title": title})
    return title


def has(posts, title):
    return any(post["title"] == title for post in posts or ())


class Python(unittest.TestCase):
    def test_every_recipe_is_run(self):
        self.assertEqual(set(RECIPES), USED)

    def test_fastapi_answers_from_a_live_collection_and_passes_events_on(self):
        uvicorn, port = need(self, "uvicorn"), free_port()
        with folder() as here:
            write(here, "main.py", main=lambda text: text + SUBSCRIPTIONS)
            command = [uvicorn, "main:app", "--port", port, "--timeout-graceful-shutdown", 1]
            with run(here, *command) as program:
                until(lambda: get(port, "/posts"), program)
                title = create_post()
                until(lambda: has(get_json(port, "/posts"), title), program)

                events = f"http://127.0.0.1:{port}/events"
                with DIRECT.open(events, timeout=TIMEOUT) as stream:
                    self.assertEqual(stream.readline(), b": subscribed\n")
                    self.assertEqual(get_json(port, "/subscriptions"), 2)
                    title = create_post()
                    while title not in (line := stream.readline().decode()):
                        self.assertTrue(line, "the stream has ended")
                # The browser has gone.
                until(lambda: get_json(port, "/subscriptions") == 1, program)

                with DIRECT.open(events, timeout=TIMEOUT):
                    program.process.terminate()
                    program.status()
                self.assertIn("Application shutdown complete", program.text)

    def test_each_worker_of_gunicorn_has_a_client_of_its_own(self):
        gunicorn, port = need(self, "gunicorn"), free_port()
        with folder() as here:
            write(here, "posts_site.py", "gunicorn.conf.py")
            with run(here, gunicorn, "posts_site:app", "-b", f"127.0.0.1:{port}") as program:
                until(lambda: get_json(port), program)
                title, workers = create_post(), set()

                def seen_by_both():
                    answer = get_json(port)
                    if answer and has(answer["posts"], title):
                        workers.add(answer["worker"])
                    return len(workers) == 2

                until(seen_by_both, program)
                program.process.terminate()
                self.assertEqual(program.status(), 0, program.text)
                self.assertNotIn("Traceback", program.text)

    def test_a_client_of_gunicorns_master_is_refused_in_its_workers(self):
        gunicorn, port = need(self, "gunicorn"), free_port()
        with folder() as here:
            write(here, "posts_site.py", posts_site=lambda text: f"{text}\n\nbegin()\n")
            command = [gunicorn, "posts_site:app", "--preload", "-b", f"127.0.0.1:{port}"]
            with run(here, *command) as program:
                status, _ = until(lambda: get(port), program)
                self.assertEqual(status, 500)
                program.wait_for("ForkedError")
                program.process.terminate()
                program.status()

    def test_each_process_of_celerys_pool_has_a_client_of_its_own(self):
        celery = need(self, "celery")
        with folder() as here:
            (here / "queue").mkdir()
            # Redis is not what is tested.
            folders = {f"data_folder_{way}": str(here / "queue") for way in ("in", "out")}
            options = {**folders, "control_folder": str(here / "control")}

            def without_redis(text):
                redis = "redis://localhost:6379/0"
                self.assertIn(redis, text)
                return (
                    text.replace(redis, "filesystem://")
                    + f"\n\napp.conf.broker_transport_options = {options!r}\n"
                )

            write(here, "tasks.py", tasks=without_redis)
            title = f"post {uuid.uuid4()}"
            worker = [celery, "-A", "tasks", "worker", "--concurrency", 2, "--loglevel", "info"]
            with run(here, *worker) as program:
                program.wait_for("ready.")
                send = f"import tasks; tasks.publish.delay({title!r})"
                with run(here, celery.parent / "python", "-c", send) as sender:
                    self.assertEqual(sender.status(), 0, sender.text)
                until(lambda: has(rest().read("posts"), title), program)
                program.process.terminate()
                self.assertEqual(program.status(), 0, program.text)
                self.assertNotIn("Traceback", program.text)

    def test_health_and_metrics_say_whether_the_link_is_up(self):
        need(self, "uvicorn")
        python, port = need(self, "python"), free_port()
        with folder() as here:
            write(here, "health.py", health=lambda text: text.replace("9100", str(port)))
            with run(here, python, "health.py") as program:
                until(lambda: get(port, "/health") == (200, "connected"), program)
                program.wait_for("Event init")
                create_post()
                program.wait_for("Event create")
                metrics = get(port, "/metrics")[1].splitlines()
                self.assertIn("directus_connected 1.0", metrics)
                self.assertIn("directus_connects_total 1.0", metrics)
                self.assertIn("directus_active_subscriptions 1.0", metrics)

    def test_health_is_503_without_a_server(self):
        need(self, "uvicorn")
        python, port, nobody = need(self, "python"), free_port(), free_port()

        def elsewhere(text):
            text = text.replace("9100", str(port))
            self.assertIn(rest().url, text)
            return text.replace(rest().url, f"http://127.0.0.1:{nobody}")

        with folder() as here:
            write(here, "health.py", health=elsewhere)
            with run(here, python, "health.py") as program:
                status, state = until(lambda: get(port, "/health"), program)
                self.assertEqual(status, 503)
                self.assertNotEqual(state, "connected")
                self.assertIn("directus_connected 0.0", get(port, "/metrics")[1])


if __name__ == "__main__":
    unittest.main()
