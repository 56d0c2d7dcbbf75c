"""Runs scriptworker's verify_cot against a served world: the addresses and
keys that it has as constants are replaced, its own code is not."""

import json
import sys

import aiohttp
from immutabledict import immutabledict

import scriptworker.constants
import scriptworker.cot.verify as verify

world = json.load(open(sys.argv[1]))
root = world["rootUrl"]
remotes = ("https://hg.mozilla.org", "https://raw.githubusercontent.com/mozilla-releng/fxci-config/main")

session_get = aiohttp.ClientSession.get


def get(self, url, **kwargs):
    for remote in remotes:
        if str(url).startswith(remote):
            url = world["vcsUrl"] + str(url)[len(remote):]
    return session_get(self, url, **kwargs)


aiohttp.ClientSession.get = get

config = dict(scriptworker.constants.DEFAULT_CONFIG)
config["taskcluster_root_url"] = root
config["max_chain_length"] = world["links"]
config["ed25519_public_keys"] = immutabledict(world["keys"])
config["valid_artifact_rules"] = (
    immutabledict(
        {
            "schemes": ("http",),
            "netlocs": (root.split("://")[1],),
            "path_regexes": (r"^/api/queue/v1/task/(?P<taskId>[^/]+)(/runs/\d+)?/artifacts/(?P<filepath>.*)$",),
        }
    ),
)
verify.DEFAULT_CONFIG = config
verify.read_worker_creds = lambda: {}
verify.verify_cot_cmdln(
    ["--task-type", "signing", "--cot-product", "firefox", "--verify-sigs", "--no-check-task", "--cleanup", sys.argv[2]]
)
