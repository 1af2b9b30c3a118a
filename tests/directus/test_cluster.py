"""Tests of the test cluster itself.

python3 tests/directus/test_cluster.py
"""

import os
import signal
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

from cluster import Cluster, install
from folders import RUNS, hold, remove_left_behind
from paths import VERSIONS, locked
from rest import Rest
from test_server import Command, ends, is_running


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], stdout=subprocess.PIPE)
    return {int(child) for child in listed.stdout.split()}


def shared_memory_of(pids):
    """System V's segments outlive those who made them."""
    listed = subprocess.run(["ipcs", "-m", "-p"], check=True, stdout=subprocess.PIPE, text=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    made = {int(row[0]): int(row[2]) for row in rows if len(row) == 4 and row[0].isdigit()}
    return [segment for segment, maker in made.items() if maker in pids]


def is_held(path):
    """Whether a folder belongs to somebody who is there."""
    try:
        lock = hold(path)
    except FileNotFoundError:
        return True
    if lock is not None:
        os.close(lock)
    return lock is None


class TestCluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(VERSIONS[0])

    def test_two_clusters_at_once_are_apart_and_a_write_is_seen_on_both_nodes(self):
        with ThreadPoolExecutor(2) as starters:
            clusters = list(starters.map(lambda _: Cluster(), range(2)))
        for cluster in clusters:
            self.addCleanup(cluster.close)
        one, two = clusters
        made = one.nodes[0].rest.create("posts", {"title": "here"})
        self.assertEqual([item["id"] for item in one.nodes[1].rest.read("posts")], [made["id"]])
        self.assertEqual(two.nodes[0].rest.read("posts"), [])
        folders = [part.folder for part in one.parts]
        pids = [part.pid for part in one.parts]
        one.close()
        self.assertEqual([pid for pid in pids if is_running(pid)], [])
        self.assertEqual([folder for folder in folders if folder.exists()], [])

    def test_a_node_is_killed_and_comes_back_on_its_port(self):
        command = Command(script="cluster.py")
        self.addCleanup(command.close)
        before = command.ready["nodes"]
        self.assertIn("no such order", command.ask("kill")["error"])
        self.assertIn("no such order", command.ask("kill 2")["error"])
        killed = command.ask("kill 0")["nodes"]
        self.assertEqual((killed[0]["pid"], killed[1]), (None, before[1]))
        made = Rest(before[1]["url"]).create("posts", {"title": "meanwhile"})
        again = command.ask("start 0")["nodes"]
        self.assertEqual(again[0]["port"], before[0]["port"])
        self.assertEqual([item["id"] for item in Rest(again[0]["url"]).read("posts")], [made["id"]])

    def test_nothing_is_left_when_the_command_is_killed(self):
        before = set(RUNS.iterdir())
        command = Command(script="cluster.py")
        self.addCleanup(command.close)
        made = children(command.process.pid)
        self.assertEqual(len(made), 4, "PostgreSQL, Redis and two nodes")
        self.assertNotEqual(shared_memory_of(made), [])
        made |= {grandchild for child in made for grandchild in children(child)}
        command.ask("freeze 0")
        os.kill(command.process.pid, signal.SIGKILL)
        self.assertEqual([pid for pid in made if not ends(pid, 30)], [])
        self.assertEqual(shared_memory_of(made), [])
        with locked("run"):
            remove_left_behind()
        mine = set(RUNS.iterdir()) - before
        self.assertEqual([path for path in mine if not is_held(path)], [])


if __name__ == "__main__":
    unittest.main()
