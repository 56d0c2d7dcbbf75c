"""Verifies chains with scriptworker: reads cases as JSON lines, answers in kind.

Addresses and keys that scriptworker has as constants are replaced, so are its
waits between attempts. What it checks, and how, is its own code.
"""

import asyncio
import json
import logging
import os
import sys
import tempfile

import aiohttp
import github3.session
import scriptworker
import scriptworker.github
import scriptworker.utils
from immutabledict import immutabledict
from scriptworker.constants import DEFAULT_CONFIG
from scriptworker.context import Context
from scriptworker.cot.verify import ChainOfTrust, verify_chain_of_trust
from scriptworker.exceptions import CoTError, ScriptWorkerException
from scriptworker.task import get_repo, get_revision, retry_get_task_definition
from taskcluster.aio import Queue

case = {}
aiohttp_request = aiohttp.ClientSession._request
github_request = github3.session.GitHubSession.request


def served(url):
    """Where the case's world serves what lives at this address."""
    for remote, here in case["addresses"].items():
        if str(url).startswith(remote):
            return here + str(url)[len(remote) :]
    return url


def to_aiohttp(self, method, url, **kwargs):
    return aiohttp_request(self, method, served(url), **kwargs)


def to_github(self, method, url, *args, **kwargs):
    return github_request(self, method, served(url), *args, **kwargs)


aiohttp.ClientSession._request = to_aiohttp
github3.session.GitHubSession.request = to_github
scriptworker.utils._define_sleep_time = lambda *_: 0


def frozen(value):
    """JSON as scriptworker writes its constants."""
    if isinstance(value, dict):
        return immutabledict({k: frozen(v) for k, v in value.items()})
    if isinstance(value, list):
        return tuple(frozen(v) for v in value)
    return value


def configured(directory):
    config = dict(DEFAULT_CONFIG)
    config.update({name: frozen(value) for name, value in case["config"].items()})
    config.update(
        {
            "taskcluster_root_url": case["rootUrl"],
            "verify_cot_signature": case["signatures"],
            "work_dir": os.path.join(directory, "work"),
            "artifact_dir": os.path.join(directory, "artifacts"),
            "task_log_dir": os.path.join(directory, "artifacts", "public", "logs"),
            "valid_artifact_rules": (
                immutabledict(
                    {
                        "schemes": ("http",),
                        "netlocs": (case["rootUrl"].split("://")[1],),
                        "path_regexes": (r"^/api/queue/v1/task/(?P<taskId>[^/]+)(/runs/\d+)?/artifacts/(?P<filepath>.*)$",),
                    }
                ),
            ),
        }
    )
    return config


async def verify(directory):
    """What verify_cot does once its arguments are read."""
    async with scriptworker.utils.scriptworker_session() as session:
        context = Context()
        context.session = session
        context.config = configured(directory)
        context.queue = Queue(session=session, options={"rootUrl": case["rootUrl"]})
        context.task = await retry_get_task_definition(context.queue, case["taskId"], exception=CoTError)
        chain = ChainOfTrust(context, case["taskType"], task_id=case["taskId"])
        await verify_chain_of_trust(chain, check_task=True)
    prefix = context.config["source_env_prefix"]
    decision = chain.get_link(case["decision"]).task
    return {
        "outcome": "accepts",
        "tree": {"repository": get_repo(decision, prefix), "revision": get_revision(decision, prefix)},
        "links": {link.task_id: link.parent_task_id for link in chain.links},
    }


def answer():
    scriptworker.github._BRANCH_COMMITS_CACHE.clear()
    with tempfile.TemporaryDirectory() as directory:
        try:
            return asyncio.run(verify(directory))
        except ScriptWorkerException as e:
            return {"outcome": "refuses", "error": str(e)}
        except Exception as e:  # nothing in scriptworker expects it
            return {"outcome": "crashes", "error": f"{type(e).__name__}: {e}", "exception": type(e).__name__}


logging.disable(logging.CRITICAL)
print(json.dumps({"version": scriptworker.__version__}), flush=True)
for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps(answer()), flush=True)
