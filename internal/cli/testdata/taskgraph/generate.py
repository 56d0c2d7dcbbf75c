"""Writes as JSON the tasks that taskgraph makes of the tree in the current
directory, as it would create them: by label, each with an id of its own."""

import json
import sys

from taskgraph.generator import TaskGraphGenerator
from taskgraph.parameters import parameters_loader
from taskgraph.util.parameterization import resolve_task_references, resolve_timestamps
from taskgraph.util.time import current_json_time

parameters = parameters_loader("taskcluster/parameters.yml", strict=False)
graph = TaskGraphGenerator("taskcluster", parameters).full_task_graph
ids = {label: "AAAAAAAAQACAAAAAAAA%02dA" % n for n, label in enumerate(sorted(graph.tasks))}
decision = "BBBBBBBBQBCBBBBBBBBBBA"
now = current_json_time(datetime_format=True)
tasks = {}
for label, task in graph.tasks.items():
    dependencies = {name: ids[on] for name, on in task.dependencies.items()}
    made = resolve_timestamps(now, task.task)
    made = resolve_task_references(label, made, ids[label], decision, dependencies)
    made["dependencies"] = sorted(set(dependencies.values()))
    made["taskGroupId"] = decision
    tasks[label] = {"taskId": ids[label], "task": made}
json.dump(tasks, sys.stdout)
