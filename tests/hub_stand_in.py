"""A small stand-in for the Hugging Face Hub: enough of its protocol for the real clients.

    with HubStandIn({("datasets/AmazonScience/massive", "refs/convert/parquet"): files}) as hub:
        ...  # HF_ENDPOINT=hub.url

It answers what `huggingface_hub` and `transformers` ask of the Hub, in the Hub's way: repository
information and tree listings, revisions and commits, files with ETags (large ones by a redirect to
another host), range requests, names that have moved, gated and unknown repositories, and what
publishing needs. It can also fail as servers do: see the attributes of `HubStandIn`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import socket
import tarfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from nerlib import load_corpus
from nerlib.corpus import COLUMNS, sample_folder

MASSIVE = "datasets/AmazonScience/massive"
CONVERSION = "refs/convert/parquet"
ARCHIVE = "amazon-massive-dataset-1.1.tar.gz"
LARGE = (".parquet", ".safetensors", ".bin", ".h5", ".msgpack", ".model")
Files = Mapping[str, bytes]


class HubStandIn:
    """A server on this machine that holds repositories: (name, revision) → path → content.

    Models go by their name, data sets by `datasets/` and their name. `downloads` are files at plain
    addresses, as in a bucket. `moved` maps old names to new ones, `gated` names repositories whose
    files are for those only who accepted conditions.

    `requests` lists what it was asked, `ranges` which parts. `status` makes it refuse everything
    with that HTTP status; `silent` makes it accept connections and never answer; `cut_after`
    (bytes) makes it hang up in the middle of that many more downloads as `cuts` says;
    `without_ranges` makes it send everything, whatever part is asked for.
    """

    def __init__(self, repositories: Mapping[tuple[str, str], Files] | None = None) -> None:
        self.repositories = dict(repositories or {})
        self.downloads: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.gated: set[str] = set()
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.status = 0
        self.silent = False
        self.cut_after, self.cuts = 0, 0
        self.without_ranges = False
        self.published: dict[str, dict[str, bytes]] = {}
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> HubStandIn:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def blob(self, digest: str) -> bytes | None:
        """Return the content with this SHA-256, where the redirects lead."""
        contents = (c for files in self.repositories.values() for c in files.values())
        return next((c for c in contents if sha256(c) == digest), None)

    def revision(self, repository: str, name: str) -> Files | None:
        """Return the files of a repository at a branch, a ref or a commit."""
        for (owner, revision), files in self.repositories.items():
            if owner == repository and name in (revision, commit_of(files)):
                return files
        return None

    def fetched(self) -> list[str]:
        """Return the paths of the files whose content was asked for."""
        got = [line for line in self.requests if line.startswith("GET ") and "/api/" not in line]
        names = {sha256(c): n for files in self.repositories.values() for n, c in files.items()}
        ends = [line.partition("/resolve/")[2].partition("/")[2] for line in got]
        digests = [line.rpartition("/")[2] for line in got]
        return [end or names.get(d, d) for end, d in zip(ends, digests, strict=True)]


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection for its `hub`."""

    hub: ClassVar[HubStandIn]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        path = urlsplit(self.path).path.strip("/")
        if self.hub.silent:
            self.hub.closing.wait()
            self.close_connection = True
        elif self.hub.status:
            self.answer(self.hub.status, {})
        elif path.startswith("blobs/"):
            content = self.hub.blob(path.removeprefix("blobs/"))
            self.send_content(content, f'"{path.removeprefix("blobs/")}"')
        elif path in self.hub.downloads:
            self.send_content(self.hub.downloads[path], "")
        elif path.startswith("api/"):
            self.api(path.removeprefix("api/"))
        else:
            self.resolve(path)

    do_GET = do_HEAD

    def do_POST(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.hub.status:
            return self.answer(self.hub.status, {})
        if "Authorization" not in self.headers:
            return self.answer(401, {"X-Error-Message": "Invalid username or password."})
        return self.publish(urlsplit(self.path).path.strip("/"), body)

    def publish(self, path: str, body: bytes) -> None:
        """Take part in the steps of an upload, in which everything travels with the commit."""
        if path == "api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            self.hub.published.setdefault(name, {})
            return self.send_json({"url": f"{self.hub.url}/{name}", "name": name})
        if path == "api/validate-yaml":
            return self.send_json({"errors": [], "warnings": []})
        match = re.fullmatch(r"api/models/(.+)/(preupload|commit)/main", path)
        assert match, path
        name, step = match.groups()
        if step == "preupload":
            files = json.loads(body)["files"]
            wanted = [{"path": f["path"], "uploadMode": "regular"} for f in files]
            return self.send_json({"files": [{**w, "shouldIgnore": False} for w in wanted]})
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                self.hub.published[name][line["value"]["path"]] = content
        commit = commit_of(self.hub.published[name])
        url = f"{self.hub.url}/{name}/commit/{commit}"
        return self.send_json({"commitUrl": url, "commitOid": commit, "success": True})

    def api(self, path: str) -> None:
        """Answer for what a repository is and holds."""
        match = re.fullmatch(
            r"(models|datasets)/([^/]+(?:/[^/]+)?)(?:/(revision|tree)/([^/]+))?", path
        )
        if not match:
            return self.answer(404, {})
        kind, name, what, revision = match.groups()
        if name in self.hub.moved:
            place = path.replace(name, self.hub.moved[name], 1)
            return self.answer(307, {"Location": f"/api/{place}?{urlsplit(self.path).query}"})
        repository = name if kind == "models" else f"datasets/{name}"
        files = self.files_of(repository, unquote(revision or "main"))
        if files is None:
            return None
        described = [_described(*each) for each in sorted(files.items())]
        if what == "tree":
            return self.send_json(described)
        gated = "manual" if repository in self.hub.gated else False
        facts = {"id": name, "sha": commit_of(files), "siblings": described, "gated": gated}
        return self.send_json({**facts, "private": False, "downloads": 0, "likes": 0, "tags": []})

    def files_of(self, repository: str, revision: str) -> Files | None:
        """Return a repository's files, or answer why there are none."""
        if repository not in {name for name, _ in self.hub.repositories}:
            # Like the Hub, which tells nobody whether something is private or does not exist.
            self.answer(401, {"X-Error-Code": "RepoNotFound"})
            return None
        files = self.hub.revision(repository, revision)
        if files is None:
            self.answer(404, {"X-Error-Code": "RevisionNotFound"})
        return files

    def resolve(self, path: str) -> None:
        """Answer for a file of a repository: what it is and where its bytes lie."""
        repository, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        if repository in self.hub.moved:
            place = f"/{self.hub.moved[repository]}/resolve/{rest}"
            return self.answer(307, {"Location": place})
        files = self.files_of(repository, unquote(revision))
        if files is None:
            return None
        commit = {"X-Repo-Commit": commit_of(files)}
        if repository in self.hub.gated:
            return self.answer(403, {"X-Error-Code": "GatedRepo", **commit})
        if unquote(name) not in files:
            return self.answer(404, {"X-Error-Code": "EntryNotFound", **commit})
        content = files[unquote(name)]
        if not name.endswith(LARGE):
            return self.send_content(content, f'"{git_hash(content)}"', commit)
        digest = sha256(content)
        linked = {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        # Another host, as with the real Hub: the client must not follow when it asks.
        place = f"http://localhost:{self.hub.server.server_port}/blobs/{digest}"
        return self.answer(302, {**commit, **linked, "Location": place})

    def send_content(
        self, content: bytes | None, etag: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a file's bytes, or the part that is asked for; or hang up in the middle."""
        if content is None:
            return self.answer(404, {})
        headers = {"ETag": etag, "Accept-Ranges": "bytes", **(headers or {})}
        asked = self.headers.get("Range", "")
        if asked and not self.hub.without_ranges:
            self.hub.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            if start >= len(content):
                return self.answer(416, {"Content-Range": f"bytes */{len(content)}"})
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self.answer(206, headers, content[start:])
        return self.answer(200, headers, content)

    def send_json(self, value: object) -> None:
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if status in (200, 206) and self.hub.cuts and len(body) > self.hub.cut_after:
            self.hub.cuts -= 1
            self.wfile.write(body[: self.hub.cut_after])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet: `requests` is the log."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_hash(content: bytes) -> str:
    """Return the name of a file as an object of git."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content)).hexdigest()


def commit_of(files: Files) -> str:
    """Return a commit's name: 40 hexadecimal digits that change with the files."""
    listed = sorted((name, sha256(content)) for name, content in files.items())
    return hashlib.sha1(repr(listed).encode()).hexdigest()


def _described(path: str, content: bytes) -> dict[str, Any]:
    """Return what the Hub says of a file, with the names of both kinds of listings."""
    names, size, digest = {"rfilename": path, "path": path}, len(content), git_hash(content)
    facts = {"type": "file", "size": size, "oid": digest, "blobId": digest}
    if path.endswith(LARGE):
        stored = {"sha256": sha256(content), "oid": sha256(content)}
        facts["lfs"] = {**stored, "size": size, "pointerSize": 134}
    return names | facts


def massive_archive() -> bytes:
    """Return the sample as a `.tar.gz` in the layout of MASSIVE's official archive."""
    files = {"1.1/LICENSE": b"CC BY 4.0", "1.1/NOTICE.md": b"MASSIVE"}
    for path in sorted((sample_folder() / "1.1" / "data").glob("*.jsonl")):
        files[f"1.1/data/{path.name}"] = path.read_bytes()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for folder in ("1.1", "1.1/data"):
            entry = tarfile.TarInfo(folder)
            entry.type = tarfile.DIRTYPE
            archive.addfile(entry)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(content.getvalue(), mtime=0)  # the same bytes every time


def massive_conversion(locale: str = "ru-RU", rows: int | None = None) -> dict[str, bytes]:
    """Return the sample in the layout and the column types of MASSIVE's Parquet conversion."""
    splits = ("train", "validation", "test")
    loaded = {split: load_corpus(locale, split).to_list() for split in splits}
    everything = [row for split in splits for row in loaded[split]]
    classes = {name: sorted({row[name] for row in everything}) for name in ("scenario", "intent")}
    return {
        f"{locale}/{split}/0000.parquet": parquet(loaded[split][:rows], classes) for split in splits
    }


def parquet(rows: list[dict[str, str]], classes: Mapping[str, list[str]]) -> bytes:
    """Return rows as a Parquet file: names in `classes` as numbers, a list of records as a record
    of lists, and the features described in the metadata as `datasets` 2 wrote them."""
    text, number = ({"dtype": kind, "_type": "Value"} for kind in ("string", "int8"))
    columns: dict[str, Any] = {
        name: [row[name] for row in rows]
        for name in COLUMNS
        if name in rows[0] and name not in classes
    }
    features: dict[str, Any] = dict.fromkeys(columns, text)
    for name, known in classes.items():
        columns[name] = [known.index(row[name]) for row in rows]
        features[name] = {"names": known, "_type": "ClassLabel"}
    columns["judgments"] = [{"worker_id": ["0"], "slots_score": [1]}] * len(rows)
    record = {"worker_id": text, "slots_score": number}
    features["judgments"] = {"feature": record, "_type": "Sequence"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    file = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), file)
    return file.getvalue()
