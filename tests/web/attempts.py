"""What a page that means harm tries against the ports of this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RUN = """
async ({ kind, url, init }) => {
  const patience = 8000;
  const until = (begin) => new Promise((resolve) => {
    setTimeout(() => resolve("waited"), patience);
    begin(resolve);
  });
  if (kind === "fetch") {
    const { blob, ...rest } = init;
    if (blob) rest.body = new Blob([blob]);  // a body without a content type
    try {
      const answer = await fetch(url, rest);
      return answer.type === "opaque" ? "opaque" : String(answer.status);
    } catch {
      return "blocked";
    }
  }
  if (kind === "socket") {
    return until((resolve) => {
      const socket = new WebSocket(url.replace(/^http/, "ws"));
      socket.onopen = () => resolve("open");
      socket.onerror = () => resolve("blocked");
    });
  }
  if (kind === "image") {
    return until((resolve) => {
      const image = new Image();
      image.onload = () => resolve("loaded");
      image.onerror = () => resolve("blocked");
      image.src = url;
    });
  }
  const frame = document.createElement("iframe");
  frame.name = `frame${Math.random()}`;
  document.body.append(frame);
  const shown = (begin) => until((resolve) => {
    frame.onload = () => resolve("shown");
    begin();
  });
  if (kind === "frame") return shown(() => { frame.src = url; });
  const form = document.createElement("form");
  Object.assign(form, { method: "post", target: frame.name, action: url });
  form.enctype = init.enctype;
  for (const [name, value] of Object.entries(init.fields)) {
    form.append(Object.assign(document.createElement("input"), { name, value }));
  }
  document.body.append(form);
  return shown(() => form.submit());
}
"""
"""Makes an attempt in a page, and says how it went as the page sees it."""


@dataclass(frozen=True)
class Attempt:
    """One attempt: where, how and with what."""

    name: str
    port: str
    path: str
    kind: str = "fetch"
    init: Mapping[str, Any] = field(default_factory=dict)

    def order(self, base: str) -> dict[str, Any]:
        """What `RUN` takes."""
        return {"kind": self.kind, "url": base + self.path, "init": dict(self.init)}


def attempts(api_id: str, images: str, users: str, demo: Mapping[str, str]) -> list[Attempt]:
    """All attempts, against a stack whose names the page has found out."""
    return [
        *_by_reading(api_id, images),
        *_by_aws(users),
        *_by_writing(api_id, images),
        *_against_the_api(demo),
        *_against_search(),
    ]


def _by_reading(api_id: str, images: str) -> list[Attempt]:
    gateway = f"/_aws/execute-api/{api_id}/$default"
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test/20260101/us-east-1/s3/aws4_request"
    return [
        Attempt("list the buckets", "emulator", "/"),
        Attempt("list the buckets as root", "emulator", "/", init={"headers": _signed("s3")}),
        Attempt(
            "list the photographs", "emulator", f"/{images}?list-type=2", init={"headers": _signed("s3")}
        ),
        Attempt("read by an address of root's", "emulator", f"/{images}/x?{query}&X-Amz-Signature=0"),
        Attempt("show a photograph", "emulator", f"/{images}/uploads/1/1/1/x.jpg", "image"),
        Attempt("frame the list of buckets", "emulator", "/", "frame"),
        Attempt("ask who it is", "emulator", "/?Action=GetCallerIdentity&Version=2011-06-15", "frame"),
        Attempt("read the queues", "emulator", "/_ministack/sqs/messages"),
        Attempt("read the health", "emulator", "/_ministack/health"),
        Attempt("read through the gateway", "emulator", f"{gateway}/api/folders"),
        Attempt(
            "read by the gateway's old path", "emulator", f"/restapis/{api_id}/$default/_user_request_/health"
        ),
        Attempt("open a socket", "emulator", gateway, "socket"),
    ]


def _by_aws(users: str) -> list[Attempt]:
    return [
        Attempt("list the tables", "emulator", "/", init=_json("DynamoDB_20120810.ListTables", {})),
        Attempt(
            "read the accounts", "emulator", "/", init=_json("DynamoDB_20120810.Scan", {"TableName": users})
        ),
        Attempt(
            "read the accounts by twelve digits",
            "emulator",
            "/",
            init=_json("DynamoDB_20120810.Scan", {"TableName": users}, key="000000000000"),
        ),
        Attempt(
            "delete the accounts",
            "emulator",
            "/",
            init=_json("DynamoDB_20120810.DeleteTable", {"TableName": users}),
        ),
        Attempt(
            "create a function",
            "emulator",
            "/2015-03-31/functions",
            init={
                "method": "POST",
                "headers": _signed("lambda"),
                "body": json.dumps({"FunctionName": "evil"}),
            },
        ),
        Attempt(
            "invoke a function", "emulator", "/2015-03-31/functions/evil/invocations", init=_simple("{}")
        ),
        Attempt("create a role", "emulator", "/", init=_simple("Action=CreateRole&RoleName=evil")),
        Attempt("create a queue", "emulator", "/", "form", _form(Action="CreateQueue", QueueName="evil")),
        Attempt("create a key", "emulator", "/?Action=CreateAccessKey&UserName=glimpse-operator", "frame"),
    ]


def _by_writing(api_id: str, images: str) -> list[Attempt]:
    multipart = {"enctype": "multipart/form-data", "fields": {"key": "uploads/evil", "file": "x"}}
    login = f"/_aws/execute-api/{api_id}/$default/api/users/login"
    return [
        Attempt("wipe everything", "emulator", "/_ministack/reset", init=_simple("")),
        Attempt("wipe everything by a form", "emulator", "/_ministack/reset", "form", _form(x="")),
        Attempt("change the settings", "emulator", "/_ministack/config", init=_simple("{}")),
        Attempt("answer for a resource", "emulator", "/_ministack/cfn-response/x", init={"method": "PUT"}),
        Attempt("write a photograph", "emulator", f"/{images}/evil", init={"method": "PUT", "body": "x"}),
        Attempt("write by a form", "emulator", f"/{images}", "form", multipart),
        Attempt("delete the bucket", "emulator", f"/{images}", init={"method": "DELETE"}),
        Attempt("log in through the gateway", "emulator", login, init=_simple("{}")),
    ]


def _against_the_api(demo: Mapping[str, str]) -> list[Attempt]:
    login, body = "/api/users/login", json.dumps(dict(demo))
    typed = {"method": "POST", "body": body, "headers": {"content-type": "application/json"}}
    upload = {"enctype": "multipart/form-data", "fields": {"token": "x", "folderName": "evil", "files": "x"}}
    return [
        Attempt("log in", "api", login, init=typed),
        Attempt("log in without being asked", "api", login, init=_simple(body)),
        Attempt("log in by a form", "api", login, "form", _form(**demo)),
        Attempt("upload by a form", "api", "/api/images/upload", "form", upload),
        Attempt("delete folders", "api", "/api/folders", init={**typed, "method": "DELETE"}),
        Attempt("read folders", "api", "/api/folders", init={"headers": {"authorization": "Bearer x"}}),
        Attempt("leave the API's paths", "api", "/%252e%252e/%252e%252e/_ministack/health"),
        Attempt("leave them backwards", "api", "/..%5c..%5c_ministack/reset", init=_simple("")),
        Attempt("open a socket to the API", "api", "/api", "socket"),
    ]


def _against_search() -> list[Attempt]:
    folder = json.dumps({"user_id": 1, "folder_id": 1})
    return [
        Attempt("create an index", "search", "/create-index", init=_simple(folder)),
        Attempt("create an index, untyped", "search", "/create-index", init={**_simple(""), "blob": folder}),
        Attempt("create an index by a form", "search", "/create-index", "form", _form(user_id="1")),
        Attempt("delete an index", "search", "/delete-index/1/1", init={"method": "DELETE"}),
        Attempt("roll back", "search", "/models/rollback", init={"method": "POST", "mode": "no-cors"}),
        Attempt("finalize", "search", "/api/models/finalize", init={"method": "POST", "mode": "no-cors"}),
        Attempt("read the models", "search", "/models"),
        Attempt("open a socket to search", "search", "/", "socket"),
    ]


def _signed(service: str, key: str = "test") -> dict[str, str]:
    scope = f"{key}/20260101/us-east-1/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


def _json(target: str, body: object, key: str = "test") -> dict[str, Any]:
    kind = {"content-type": "application/x-amz-json-1.0", "x-amz-target": target}
    return {"method": "POST", "headers": {**_signed("dynamodb", key), **kind}, "body": json.dumps(body)}


def _simple(body: str) -> dict[str, Any]:
    """A request that the browser sends without asking the server before."""
    return {"method": "POST", "mode": "no-cors", "body": body or None}


def _form(**fields: str) -> dict[str, Any]:
    return {"enctype": "application/x-www-form-urlencoded", "fields": fields}
