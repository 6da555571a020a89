"""AgentOS inside a Django site: the site's users are agno's, and no door lets one of them act as another."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import httpx
import jwt
import pytest
from agno.agent import Agent
from agno.os import AgentOS
from agno.workflow import Step, Workflow
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import Client, override_settings
from fastapi import FastAPI, Response

from agno_memory.agent_sessions import AgentSessions
from agno_memory.contrib.agno import AsyncDjangoDb, DjangoDb, with_agentos
from agno_memory.contrib.agno.v3.agentos import ADMIN_SCOPES, OWN_SCOPES
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.agno3.sockets import Refused, connected
from tests.agno_model import ScriptedModel
from tests.databases import RUNNING, commits

# Two of agno's routes have one name.
pytestmark = [commits, pytest.mark.filterwarnings("ignore:Duplicate Operation ID")]
if version("agno").startswith("3.0.0"):
    pytest.skip("test_versions.py tests that with_agentos() refuses this agno", allow_module_level=True)

HOST = "http://testserver"
CSRF = "c" * 32
SECRET = "Noah's secret"


def site(db: Any = None, **options: Any) -> Any:
    return with_agentos(get_asgi_application(), os_of(db or DjangoDb()), **options)


def os_of(db: Any, **options: Any) -> AgentOS:
    chef = Agent(
        id="chef",
        model=ScriptedModel(),
        db=db,
        update_memory_on_run=True,
        add_memories_to_context=True,
        telemetry=False,
    )
    cook = Agent(id="cook", model=ScriptedModel(), telemetry=False)
    menu = Workflow(id="menu", name="menu", steps=[Step(name="cook", agent=cook)], db=db, telemetry=False)
    return AgentOS(id="os", agents=[chef], workflows=[menu], db=db, telemetry=False, **options)


def person(name: str) -> User:
    return User.objects.create_user(name)


def session_of(user: User) -> dict[str, str]:
    """Return the cookies of a person who is logged in."""
    client = Client()
    client.force_login(user)
    return {name: morsel.value for name, morsel in client.cookies.items()} | {"csrftoken": CSRF}


def browser(app: Any, cookies: dict[str, str] | None = None, **headers: str) -> httpx.AsyncClient:
    """Return a client that sends what a page of the site sends."""
    headers = {"X-CSRFToken": CSRF, "Origin": HOST} | headers
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=HOST, cookies=cookies, headers=headers
    )


def socket_headers(cookies: dict[str, str], **headers: str) -> dict[str, str]:
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return {"host": "testserver", "origin": HOST, "cookie": cookie} | headers


async def run(
    client: httpx.AsyncClient, message: str = "Hello", path: str = "/agents/agents/chef/runs", **form: Any
) -> Any:
    return await client.post(path, data={"message": message, "stream": "false", **form})


def test_one_application_serves_the_site_and_agentos() -> None:
    app, cookies = site(), session_of(person("maya"))

    async def use() -> None:
        async with browser(app) as client:
            assert "Django administration" in (await client.get("/admin/login/")).text
            assert (await client.get("/agentsx/")).status_code == 404
        async with browser(app, cookies) as client:
            assert (await client.get("/agents")).json()["docs"] == "/docs"
            assert (await client.get("/agents/")).json()["docs"] == "/docs"
            assert "url: '/agents/openapi.json'" in (await client.get("/agents/docs")).text
            assert (await client.get("/agents/openapi.json")).json()["servers"] == [{"url": "/agents"}]
            assert [each["id"] for each in (await client.get("/agents/agents")).json()] == ["chef"]
            assert [each["id"] for each in (await client.get("/agents/agents/")).json()] == ["chef"]
            assert (await client.get("/agents/agents/chef")).json()["id"] == "chef"
            assert (await client.get("/agents/config/")).json()["os_id"] == "os"

    asyncio.run(use())


def test_a_path_and_a_root_of_the_server() -> None:
    app, cookies = site(path="ai/os"), session_of(person("maya"))

    async def use() -> None:
        transport = httpx.ASGITransport(app, root_path="/site")
        async with httpx.AsyncClient(transport=transport, base_url=HOST, cookies=cookies) as client:
            assert (await client.get("/site/ai/os/openapi.json")).json()["servers"] == [{"url": "/site/ai/os"}]
            assert (await client.get("/site/ai/os/agents/chef")).json()["id"] == "chef"
            assert "Django" in (await client.get("/site/admin/login/")).text

    asyncio.run(use())


def test_every_route_refuses_a_request_without_a_user() -> None:
    app, inactive = site(), User.objects.create_user("gone", is_active=False)
    routes = os_of(DjangoDb()).get_app().openapi()["paths"]
    expired = session_of(person("maya"))
    Session.objects.all().delete()

    async def use() -> None:
        for cookies in ({}, expired, session_of_inactive):
            async with browser(app, cookies) as client:
                for path in ["/", "/docs", "/openapi.json", "/unknown"]:
                    assert (await client.get("/agents" + path)).status_code == 401, path
                answer = await run(client)
                assert (answer.status_code, answer.json()) == (401, {"detail": "Log in to the site first."})
        async with browser(app, Authorization=forged("1")) as client:
            found = {
                (method, path): (await client.request(method, "/agents" + path)).status_code
                for path, methods in routes.items()
                for method in methods
            }
            assert len(found) > 100
            assert {key: status for key, status in found.items() if status != 401} == {}
        for extension, status in (("another", 1008), ("websocket.http.response", 401)):
            with pytest.raises(Refused, match=str(status)):
                async with connected(app, "/agents/workflows/ws", socket_headers({}), extensions={extension: {}}):
                    pass

    session_of_inactive = session_of(inactive)
    asyncio.run(use())


def forged(user_id: str) -> str:
    claims = {"sub": user_id, "scopes": list(ADMIN_SCOPES)}
    return "Bearer " + jwt.encode(claims, "another key, which is as long as needed", algorithm="HS256")


@pytest.mark.parametrize(("alias", "store"), [*((alias, DjangoDb) for alias in RUNNING), ("default", AsyncDjangoDb)])
def test_no_door_of_http_lets_a_user_act_as_another(alias: str, store: Any) -> None:
    maya, noah = person("maya"), person("noah")
    other = str(noah.pk)
    app, cookies = site(store(alias)), (session_of(maya), session_of(noah))
    answers: list[str] = []

    async def use() -> None:
        async with browser(app, cookies[1]) as client:
            answer = await run(client, f'!add_memory {{"memory": "{SECRET}"}}', session_id="noahs")
            assert answer.status_code == 200, answer.text
            run_id = answer.json()["run_id"]
            (memory,) = (await client.get("/agents/memories")).json()["data"]
            assert memory["user_id"] == other
            assert (await run(client, session_id="flow", path="/agents/workflows/menu/runs")).status_code == 200
        for headers in ({}, {"Authorization": forged(other)}, {"Authorization": "Bearer agno_pat_1"}):
            async with browser(app, cookies[0], **headers) as client:
                await attempts(client, memory["memory_id"], run_id)
                if not headers:
                    await reads(client, memory["memory_id"], run_id)

    async def attempts(client: httpx.AsyncClient, memory_id: str, run_id: str) -> None:
        ask = partial(asked, client, answers)
        named = {"user_id": other}
        form = {"message": "Hello", "stream": "false"}
        assert await ask("POST", "/agents/chef/runs", data=form | named) == 200
        assert await ask("POST", f"/agents/chef/runs?user_id={other}", data=form) == 200
        assert await ask("POST", "/workflows/menu/runs", data=form | named) == 200
        # A session belongs to another user.
        assert await ask("POST", "/agents/chef/runs", data=form | named | {"session_id": "noahs"}) in (200, 404, 409)
        assert await ask("POST", f"/agents/chef/runs/{run_id}/continue", data={"session_id": "noahs"} | named) == 404
        assert await ask("POST", f"/agents/chef/runs/{run_id}/cancel?session_id=noahs&user_id={other}") == 404
        assert await ask("POST", f"/agents/chef/runs/{run_id}/resume", data={"session_id": "noahs"} | named) == 404
        assert await ask("POST", f"/agents/chef/sessions/noahs/fork?user_id={other}", json=named) in (400, 404)
        assert await ask("POST", "/memories", json={"memory": "By Maya", "topics": []} | named) == 200
        changed = {"memory": "By Maya", "topics": []} | named
        assert await ask("PATCH", f"/memories/{memory_id}", json=changed) in (200, 403, 404)
        await ask("DELETE", f"/memories?user_id={other}", json={"memory_ids": [memory_id]} | named)
        await ask("DELETE", f"/memories/{memory_id}?user_id={other}")
        assert (
            await ask("POST", "/sessions?type=agent", json={"session_name": "By Maya", "agent_id": "chef"} | named)
            == 201
        )
        rename = {"session_name": "By Maya"}
        assert await ask("POST", f"/sessions/noahs/rename?type=agent&user_id={other}", json=rename | named) == 404
        assert await ask("PATCH", f"/sessions/noahs?type=agent&user_id={other}", json=rename | named) == 404
        await ask("DELETE", f"/sessions/noahs?user_id={other}")
        deleted = {"session_ids": ["noahs", "flow"], "session_types": ["agent", "workflow"]}
        await ask("DELETE", f"/sessions?user_id={other}", json=deleted | named)
        content = {"learning_type": "user_profile", "content": {"name": "By Maya"}}
        assert await ask("POST", "/learnings", json=content | named) in (201, 403)

    async def reads(client: httpx.AsyncClient, memory_id: str, run_id: str) -> None:
        names = {"session_id": "noahs", "memory_id": memory_id, "run_id": run_id, "agent_id": "chef", "user_id": other}
        for path, methods in os_of(DjangoDb()).get_app().openapi()["paths"].items():
            if "get" in methods:
                filled = re.sub(r"{(\w+)(:\w+)?}", lambda name: names.get(name[1], "1"), path)
                await asked(client, answers, "GET", f"{filled}?user_id={other}&session_id=noahs")

    asyncio.run(use())
    assert [answer for answer in answers if SECRET in answer or f'"user_id":"{other}"' in answer] == []
    kept = Memory(db=alias).get_user_memories(other)
    assert [(memory.memory, memory.version) for memory in kept] == [(SECRET, 1)]
    sessions = {session.session_id: session for session in AgentSessions(alias).rows(other)}
    assert sorted(sessions) == ["flow", "noahs"]
    assert [AgentSessions(alias).get_runs(each, other).count() for each in sorted(sessions)] == [1, 1]
    assert sessions["noahs"].name != "By Maya"
    # What was asked for is the user's own.
    assert UserMemory.objects.using(alias).filter(user_id=maya.pk, memory="By Maya").exists()
    assert AgentSessions(alias).rows(str(maya.pk)).count() >= 3


async def asked(client: httpx.AsyncClient, answers: list[str], method: str, path: str, **body: Any) -> int:
    answer = await client.request(method, "/agents" + path, **body)
    answers.append(f"{method} {path}: {answer.text}")
    # 503 is a page that this AgentOS does not have.
    assert answer.status_code in range(200, 500) or answer.status_code == 503, answers[-1]
    return answer.status_code


def test_no_answer_may_be_cached() -> None:
    """Also a stream, a refusal, and an answer with headers of its own."""
    cookies = session_of(person("maya"))

    def orders() -> Response:
        return Response(headers={"Cache-Control": "public, max-age=300", "Vary": "Accept"})

    own_app = FastAPI()
    own_app.add_api_route("/orders", orders)
    agent_os = os_of(DjangoDb(), base_app=own_app)
    app = with_agentos(get_asgi_application(), agent_os, routes={"GET /orders": ["agents:run"]})

    def check(answer: httpx.Response, status: int, *vary: str) -> None:
        assert answer.status_code == status, answer.text
        assert answer.headers.get_list("Cache-Control") in (["private, no-store"], ["max-age=300, private, no-store"])
        (names,) = answer.headers.get_list("Vary")
        assert {"Authorization", "Cookie", *vary} <= set(names.split(", "))

    async def use() -> None:
        async with browser(app, cookies) as client:
            check(await run(client, '!add_memory {"memory": "Likes tea"}'), 200, "Origin")
            memories = await client.get("/agents/memories")
            assert "Likes tea" in memories.text
            check(memories, 200, "Origin")
            streamed = await run(client, stream="true")
            assert streamed.headers["Content-Type"].startswith("text/event-stream")
            check(streamed, 200)
            check(await client.get("/agents/orders"), 200, "Accept")
            check(await client.get("/agents/unknown"), 403)
            assert "Cache-Control" not in (await client.get("/agentsx/")).headers
        async with browser(app) as client:
            check(await client.get("/agents/memories"), 401)

    asyncio.run(use())


def test_a_page_of_another_site_cannot_use_the_session() -> None:
    app, cookies = site(), session_of(person("maya"))

    async def use() -> None:
        # A POST needs the token, also without an Origin.
        for headers in ({"X-CSRFToken": ""}, {"X-CSRFToken": "d" * 32}):
            async with browser(app, cookies, **headers) as client:
                answer = await run(client)
                assert (answer.status_code, "X-CSRFToken" in answer.json()["detail"]) == (403, True)
                del client.headers["Origin"]
                assert (await run(client)).status_code == 403
                assert (await client.get("/agents/agents")).status_code == 200
        # AgentOS lets pages of agno read its answers; the session is not theirs.
        for origin in ("https://os.agno.com", "http://localhost:3000", "null", "http://testserver:1"):
            async with browser(app, cookies, Origin=origin) as client:
                assert (await client.get("/agents/sessions")).status_code == 403
                assert (await run(client)).status_code == 403
            with pytest.raises(Refused):
                async with connected(app, "/agents/workflows/ws", socket_headers(cookies, origin=origin)):
                    pass
        headers = socket_headers(cookies)
        del headers["origin"]
        with pytest.raises(Refused):
            async with connected(app, "/agents/workflows/ws", headers):
                pass
        for known in (cookies, {}):
            async with browser(app, known, Host="evil.example") as client:
                del client.headers["Origin"]
                assert (await client.get("/agents/agents")).status_code == 400
        with override_settings(CSRF_TRUSTED_ORIGINS=["https://*.example.com"]):
            async with browser(app, cookies, Origin="https://shop.example.com") as client:
                assert (await run(client)).status_code == 200
            async with browser(app, cookies, Origin="https://example.org") as client:
                assert (await run(client)).status_code == 403

    asyncio.run(use())


def test_a_websocket_is_its_users() -> None:
    maya, noah = person("maya"), person("noah")
    app, cookies, others = site(), session_of(maya), session_of(noah)
    own = {"workflow_id": "menu", "message": "Hello"}

    async def use() -> None:
        async with connected(app, "/agents/workflows/ws", socket_headers(cookies)) as socket:
            # agno sends two of these, the second with the user. Another token is replaced.
            for _ in range(2):
                answers = [await socket.receive_until("authenticated", "auth_error") for _ in range(2)]
                assert answers[1]["user_id"] == str(maya.pk)
                await socket.send(action="authenticate", token=forged(str(noah.pk)).removeprefix("Bearer "))
            await socket.send(action="start-workflow", user_id=str(noah.pk), session_id="s", **own)
            done = await socket.receive_until("WorkflowCompleted", "error")
            assert done["event"] == "WorkflowCompleted", done
        async with connected(app, "/agents/workflows/ws", socket_headers(others)) as socket:
            asked = {"workflow_id": "menu", "session_id": "s", "user_id": str(maya.pk)}
            await socket.send(action="reconnect", run_id=done["run_id"], **asked)
            assert "not found" in (await socket.receive_until("error", "replay", "subscribed"))["error"]

    asyncio.run(use())
    (session,) = AgentSessions().rows(str(maya.pk))
    assert (session.session_id, AgentSessions().rows(str(noah.pk)).count()) == ("s", 0)


def test_a_websocket_ends_with_the_login() -> None:
    app, cookies = site(), session_of(person("maya"))

    async def use() -> None:
        async with connected(app, "/agents/workflows/ws", socket_headers(cookies)) as socket:
            await socket.send(action="ping")
            assert (await socket.receive_until("pong"))["event"] == "pong"
            await Session.objects.all().adelete()
            await socket.send(action="ping")
            assert await socket.receive_until("pong") == 1008

    asyncio.run(use())


def test_users_read_and_change_only_what_is_theirs_and_staff_may_get_more() -> None:
    db = DjangoDb()
    app = site(db, scopes=lambda user: ADMIN_SCOPES if user.is_superuser else OWN_SCOPES)
    maya, root = session_of(person("maya")), session_of(User.objects.create_superuser("root"))

    async def use() -> None:
        component = {"name": "W", "component_id": "w", "component_type": "agent", "config": {"name": "W"}}
        async with browser(app, maya) as client:
            assert (await run(client)).status_code == 200
            for method, path in (
                ("POST", "/components"),
                ("POST", "/components/"),
                ("GET", "/eval-runs"),
                ("GET", "/schedules"),
                ("GET", "/queue"),
                ("GET", "/orders/1"),
                ("PUT", "/unknown"),
                ("POST", "/databases/all/migrate"),
                ("DELETE", "/knowledge/content"),
                ("POST", "/service-accounts"),
            ):
                assert (await client.request(method, "/agents" + path, json=component)).status_code == 403, path
        async with browser(app, root) as client:
            assert (await client.post("/agents/components", json=component)).status_code == 201
            assert len((await client.get("/agents/sessions")).json()["data"]) == 1

    asyncio.run(use())


def test_routes_of_the_sites_own_need_a_scope() -> None:
    cookies = session_of(person("maya"))

    def own_app() -> FastAPI:
        app = FastAPI()
        app.add_api_route("/orders/{number}", lambda number: number)
        return app

    async def use() -> None:
        for routes, status in (
            ({}, 403),
            ({"GET /orders/*": ["agents:run"]}, 200),
            ({"GET /orders/*": ["a:run"]}, 403),
        ):
            agent_os = os_of(DjangoDb(), base_app=own_app())
            app = with_agentos(get_asgi_application(), agent_os, routes=routes)
            async with browser(app, cookies) as client:
                assert (await client.get("/agents/orders/1")).status_code == status

    asyncio.run(use())


def test_another_authentication_by_token() -> None:
    maya = person("maya")

    def authenticate(request: HttpRequest) -> Any:
        return User.objects.filter(username=request.headers.get("Authorization", "").removeprefix("Token ")).first()

    app = site(authenticate=authenticate)

    async def use() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST) as client:
            assert (await run(client)).status_code == 401
            client.headers["Authorization"] = "Token maya"
            assert (await run(client, session_id="s")).status_code == 200
            # Pages of another site ask first, without the token; agno's settings decide.
            asked = {"Origin": "https://os.agno.com", "Access-Control-Request-Method": "POST"}
            answer = await client.options("/agents/agents/chef/runs", headers=asked | {"Authorization": ""})
            assert answer.headers["access-control-allow-origin"] == "https://os.agno.com"

    asyncio.run(use())
    assert AgentSessions().get_session("s", str(maya.pk))


def test_the_events_of_the_lifespan_reach_agentos() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        events.append("begin")
        yield
        events.append("end")

    app = with_agentos(get_asgi_application(), os_of(DjangoDb(), lifespan=lifespan))
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def use() -> None:
        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            events.append(message["type"])

        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    asyncio.run(use())
    assert events == ["begin", "lifespan.startup.complete", "end", "lifespan.shutdown.complete"]


def test_agentos_itself_needs_no_login() -> None:
    agent_os = os_of(DjangoDb())
    app = with_agentos(get_asgi_application(), agent_os)
    agent_os.get_app().state.internal_service_token = "t"
    inner = app.agents.app
    inner.state.internal_service_token = "its token"

    async def use() -> None:
        for token, status in (("its token", 200), ("another", 401)):
            async with browser(app, Authorization=f"Bearer {token}") as client:
                assert (await run(client, user_id="maya")).status_code == status

    asyncio.run(use())
    assert AgentSessions().rows("maya").count() == 1


def test_a_path_of_its_own_and_no_other_authentication(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="path of its own"):
        site(path="/")
    agent_os: Any = os_of(DjangoDb())
    agent_os.mcp_auth = object()
    with pytest.raises(ImproperlyConfigured, match="mcp_auth"):
        with_agentos(get_asgi_application(), agent_os)
    monkeypatch.setenv("OS_SECURITY_KEY", "k")
    with pytest.raises(ImproperlyConfigured, match="authentication of its own"):
        site()
