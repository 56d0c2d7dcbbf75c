"""What PyYAML's safe_load makes of each text of a JSON list, as a JSON list."""
import datetime
import json
import math
import sys

import yaml


def plain(v):
    if isinstance(v, dict):
        if not all(isinstance(k, str) for k in v):
            raise ValueError("a key is not text")
        return {k: plain(e) for k, e in v.items()}
    if isinstance(v, list):
        return [plain(e) for e in v]
    if isinstance(v, float) and not math.isfinite(v):
        raise ValueError("not finite")
    if isinstance(v, int) and not isinstance(v, bool) and abs(v) > 2**53:
        raise ValueError("too large for float64")
    if v is not None and not isinstance(v, (str, int, float, bool)):
        raise ValueError("not JSON")
    return v


def attempt(text):
    try:
        return {"want": json.loads(json.dumps(plain(yaml.safe_load(text)), allow_nan=False))}
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError):
        return {"fails": True}


json.dump([attempt(t) for t in json.load(sys.stdin)], sys.stdout)
