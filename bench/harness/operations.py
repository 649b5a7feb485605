"""The four operations: documents, requests for each kind of server, and whether two answers are the same."""

import http.client
import json
import random
import re
from pathlib import Path

from .base import Failure
from .data import Viewer, World, shown

DOCUMENTS = {
    "pointRead": "query PointRead($id: ID!) { node(id: $id) { ... on Memory { id text kind createdAt } } }",
    "nestedList": """query NestedList($ws: ID!) { workspace(id: $ws) {
  coachingSessions(first: 20, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { id topic status createdAt
    messages(first: 5) { nodes { id role text createdAt citations { quote start end } } } } } } }""",
    # Word for word that of the contract.
    "dashboard": """query Dashboard($ws: ID!) { viewer { id } workspace(id: $ws) {
  coachingSessions(first: 5, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { id topic status messages(last: 3) { nodes { id role text } } goal { id title progress } } }
  runs(first: 10, filter: {status: [RUNNING, WAITING]}) { totalCount nodes { id status workflow { id name } steps(first: 20) { nodes { key status } } } }
  memories(first: 10) { nodes { id text kind createdAt } } usage(period: MONTH) { calls inputTokens outputTokens cost { amount currency } } } }""",
    "mutation": """mutation Send($s: ID!, $text: String!) { sendMessage(input: {sessionId: $s, text: $text}) {
  message { id role text status } turn { id status } userErrors { code field message } } }""",
}
OPERATIONS = tuple(DOCUMENTS)
EXPECTED = {"pointRead": '"node":{"', "nestedList": '"nodes":[{"', "dashboard": '"nodes":[{"', "mutation": '"userErrors":[]'}
TEXT = "I had three calls before noon and lost the thread of the proposal; how do I get an hour for it?"

# PostGraphile makes its schema of the tables, so the same leaves have documents of their own; its ids are the UUIDs.
POSTGRAPHILE = json.loads((Path(__file__).parent / "postgraphile.json").read_text())


def uuid_text(uuid: bytes) -> str:
    text = uuid.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def subjects(world: World, operation: str, count: int) -> list[tuple[Viewer, bytes]]:
    """Who asks, for what: of one seed, so that all servers get the same in the same order."""
    source = random.Random(f"subjects {operation}")
    match operation:
        case "pointRead":
            return source.sample(world.memories, min(count, len(world.memories)))
        case "mutation":
            return source.sample(world.sessions, len(world.sessions))
        case _:
            return [(viewer, viewer.workspace) for viewer in world.viewers]


VARIABLES = {"pointRead": ("id", "mem"), "nestedList": ("ws", "ws"), "dashboard": ("ws", "ws"), "mutation": ("s", "cs")}


def request(kind: str, operation: str, viewer: Viewer, subject: bytes) -> dict:
    """For `graphql`, `apollo` (its standalone server has one path), `reference` or `postgraphile`."""
    name, prefix = VARIABLES[operation]
    variables = {name: uuid_text(subject) if kind == "postgraphile" else shown(prefix, subject)}
    if operation == "mutation":
        variables["text"] = TEXT
    path = {"reference": f"/{operation}", "apollo": "/"}.get(kind, "/graphql")
    document = POSTGRAPHILE[operation] if kind == "postgraphile" else DOCUMENTS[operation]
    if kind == "postgraphile" and "$me" in document:
        variables["me"] = uuid_text(viewer.user)
    body = variables if kind == "reference" else {"query": document, "variables": variables}
    return {"path": path, "authorization": f"Bearer {viewer.token}", "body": json.dumps(body)}


def requests(kind: str, world: World, operation: str) -> list[dict]:
    return [request(kind, operation, *subject) for subject in subjects(world, operation, 2000)]


def write_requests(file: Path, kind: str, world: World, operation: str) -> Path:
    file.write_text("".join(json.dumps(each) + "\n" for each in requests(kind, world, operation)))
    return file


def ask(address: str, request: dict) -> tuple[dict, int]:
    """The data of an answer, and its size."""
    host, _, port = address.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request("POST", request["path"], request["body"], {
            "Content-Type": "application/json", "Accept": "application/json", "Authorization": request["authorization"]})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"no answer: {str(error) or type(error).__name__}") from None
    finally:
        connection.close()
    try:
        answer = json.loads(body)
    except ValueError:
        raise Failure(f"answered {response.status}: {body[:300]!r}") from None
    if not isinstance(answer, dict) or answer.get("errors") or not answer.get("data"):
        raise Failure(f"answered {response.status}: {json.dumps(answer)[:600]}")
    return answer["data"], len(body)


def canonical(data: dict) -> str:
    """Keys in order; ids that were made for this answer without their digits."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False)
    return re.sub(r'"(msg|turn)_[0-9a-z]{26}"', r'"\1"', text) if "sendMessage" in data else text


def difference(wanted: str, found: str) -> str:
    """Where two answers part."""
    at = next((place for place, (a, b) in enumerate(zip(wanted, found)) if a != b), min(len(wanted), len(found)))
    around = slice(max(0, at - 60), at + 60)
    return f"…{found[around]}… where the reference has …{wanted[around]}…"


def check_same(operation: str, address: str, kind: str, reference: str, world: World) -> int:
    """That some answers are those of the reference, byte for byte once keys are in order; gives the mean size."""
    asked = subjects(world, operation, 40)[: 3 if operation == "mutation" else 40]
    sizes = []
    for viewer, subject in asked:
        found, size = ask(address, request(kind, operation, viewer, subject))
        wanted, _ = ask(reference, request("reference", operation, viewer, subject))
        found, wanted = canonical(found), canonical(wanted)
        if found != wanted:
            raise Failure(f"its answer to {operation} differs: {difference(wanted, found)}")
        sizes.append(size)
    return sum(sizes) // len(sizes)
