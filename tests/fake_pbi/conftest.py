"""Fixtures: a fake cloud, its clock, which only the test moves, and its clients.

As in real use, the cloud runs on an event loop of its own.
"""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import freezegun
import pytest
from cloud_client import Client
from support.manual_clock import Clock

from fake_pbi import embed
from fake_pbi.certificate import Certificate
from fake_pbi.cloud import Cloud
from fake_pbi.tokens import POWER_BI


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the cloud, which stands at `START`."""
    return Clock()


@pytest.fixture
def python_time(clock: Clock) -> Iterator[None]:
    """Move Python's own time with the clock, because MSAL checks the age of its cache by it."""
    with freezegun.freeze_time(clock.time, real_asyncio=True, ignore=["_pytest.timing"]) as frozen:
        clock.follow = frozen.move_to
        yield


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    """Return the certificate of all clouds. Session scope."""
    return Certificate()


@pytest.fixture(scope="session")
def ca(certificate: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file with the certificate authority that clients trust. Session scope."""
    return certificate.write_ca(tmp_path_factory.mktemp("ca") / "ca.pem")


@pytest.fixture
def app_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the iframe app with two tiny modules. Other tests run the real app."""
    settings = '<script type="application/json" id="settings">__SETTINGS__</script>'
    (tmp_path / "index.html").write_text(f"{settings}<style>__STYLE__</style>__PACKAGES__ __MODULES__")
    (tmp_path / "style.css").write_text("p { color: red }")
    (tmp_path / "main.js").write_text('import { X } from "./other.js";\nnew X();')
    (tmp_path / "other.js").write_text("export class X {}")
    monkeypatch.setattr(embed, "APP_FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def cloud(clock: Clock, certificate: Certificate, npm: Path, app_folder: Path) -> Iterator[Cloud]:
    """Yield a running cloud. Fail the test if the stopped cloud leaves a task behind or an error in its loop."""
    cloud = Cloud(clock.now, npm=npm, certificate=certificate)
    loop = asyncio.new_event_loop()
    loop_errors: list[object] = []
    loop.set_exception_handler(lambda _, context: loop_errors.append(context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def stop() -> set[str]:
        await cloud.stop()
        await loop.shutdown_default_executor()
        return {repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}}

    try:
        asyncio.run_coroutine_threadsafe(cloud.start(), loop).result(10)
        yield cloud
        running_tasks = asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    assert (running_tasks, loop_errors) == (set(), [])


@pytest.fixture
def client(cloud: Cloud, ca: Path) -> Iterator[Client]:
    """Yield a client of the cloud."""
    with Client(cloud, ca) as client:
        yield client


@pytest.fixture
def entra_token(cloud: Cloud, client: Client) -> str:
    """Return the text of an Entra token for the app itself."""
    tenant = cloud.tenant
    form = {
        "grant_type": "client_credentials",
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "scope": f"{POWER_BI}/.default",
    }
    url = f"https://login.microsoftonline.com/{tenant.tenant_id}/oauth2/v2.0/token"
    text: str = client.post(url, data=form).json()["access_token"]
    return text
