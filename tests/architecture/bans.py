"""What no file of the packages may do, as functions from a syntax tree to complaints (so that they can be tested)."""

from __future__ import annotations

import ast

from tests.architecture.sources import dotted, imported

PICKLES = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve")
NETWORK = (
    "aiohttp", "asyncio", "boto3", "botocore", "ftplib", "fsspec", "grpc", "http", "httpx", "imaplib", "paramiko",
    "poplib", "requests", "s3fs", "smtplib", "socket", "socketserver", "ssl", "telnetlib", "urllib", "urllib3",
    "webbrowser", "websockets", "xmlrpc",
)  # fmt: skip
TELEMETRY = ("sentry_sdk", "posthog", "segment", "mixpanel", "opentelemetry")
BANNED_IMPORTS = (*PICKLES, *NETWORK, *TELEMETRY, "random")
ONLY_IN = {
    ("sqlite3",): ("gate",),
    ("os.urandom",): ("noise", "gate"),
    ("duckdb",): ("engines",),
    ("subprocess", "multiprocessing"): ("bridges",),
}
"""What only some rooms may import: the ledger's database, the system's entropy, the reader of files, other programs."""
BANNED_CALLS = (
    "eval", "exec", "compile", "__import__", "print", "breakpoint", "input",
    "os.system", "os.popen", "sys.stdout.write", "sys.stderr.write",
    "np.random.seed", "numpy.random.seed", "torch.load", "torch.save", "torch.manual_seed",
)  # fmt: skip
BANNED_METHODS = ("read_pickle", "to_pickle", "from_named_tuple")
ROOMS_OF_PRIVATE_ROWS = ("gate", "noise", "engines", "encoding")
NUMPY_RANDOM_ALLOWED = {("noise", "np.random.Philox")}
"""The Philox counter behind the seeded test entropy, whose output is stamped "not private"."""


def _within(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(root + ".") for root in roots)


def banned_imports(module: ast.Module, room: str = "") -> list[str]:
    """Pickles, network clients, telemetry and the `random` module; what belongs to one room, outside that room."""
    found = [name_and_line for name_and_line in imported(module) if _within(name_and_line[0], BANNED_IMPORTS)]
    for roots, rooms in ONLY_IN.items():
        if room not in rooms:
            found += [name_and_line for name_and_line in imported(module) if _within(name_and_line[0], roots)]
    return [f"line {line}: import of {name}" for name, line in found]


def banned_calls(module: ast.Module, room: str = "noise") -> list[str]:
    """eval, exec, print, shells, pickling readers, global seeds; np.load only with allow_pickle left alone."""
    found = []
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in BANNED_CALLS or method in BANNED_METHODS:
            found.append(f"line {node.lineno}: call of {name or method}")
        if name == "os.urandom" and room not in ("noise", "gate"):
            found.append(f"line {node.lineno}: {name}")
        if any(keyword.arg == "allow_pickle" for keyword in node.keywords):
            found.append(f"line {node.lineno}: allow_pickle")
    return found


def user_generators(module: ast.Module, room: str) -> list[str]:
    """numpy's and torch's generators where privacy noise, selection or rows are at work."""
    found = [
        f"line {line}: import of {name}"
        for name, line in imported(module)
        if _within(name, ("numpy.random",)) or (room == "noise" and _within(name, ("torch", "opacus")))
    ]
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            drawn = name.startswith(("np.random.", "numpy.random.", "torch.rand", "torch.normal", "torch.Generator"))
            # A type annotation `np.random.Generator` names the type of what a caller passes; encoding decodes with it.
            handed = name.endswith(".random.Generator") and room == "encoding"
            if drawn and not handed and (room, name) not in NUMPY_RANDOM_ALLOWED:
                found.append(f"line {node.lineno}: {name}")
    return found


def logged_values(module: ast.Module, room: str) -> list[str]:
    """Logging: none at all where rows are at work; elsewhere constant words only. The same for warnings."""
    found = []
    for name, line in imported(module):
        if _within(name, ("logging",)) and room in ROOMS_OF_PRIVATE_ROWS:
            found.append(f"line {line}: import of {name}")
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = dotted(node.func)
        speaks = name.startswith(("logging.", "logger.", "log.", "_logger.")) and not name.endswith("getLogger")
        warns = name in ("warnings.warn", "warn") and room in ROOMS_OF_PRIVATE_ROWS
        if (speaks or warns) and not all(isinstance(argument, ast.Constant) for argument in node.args[:1]):
            found.append(f"line {node.lineno}: {name} with a computed text")
        if speaks and len(node.args) > 1:
            found.append(f"line {node.lineno}: {name} with values")
    return found
