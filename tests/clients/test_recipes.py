"""Recipes: what is shown is what is run, it gets in, and it reads every form that it says it reads."""

import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Lab, make_lab
from installed import installed
from mtls_lab.clients import children
from mtls_lab.clients.recipes import FORMS, PASSWORD, POLICIES, RECIPES, Form, Recipe, run
from mtls_lab.clients.recipes.running import Run
from mtls_lab.handshake import Endpoint, Scenario
from mtls_lab.proxy import Proxy

live = pytest.mark.live
HTTP = [name for name, one in RECIPES.items() if one.speaks == "HTTP"]
FILES = [name for name in HTTP if name != "Chromium"]
EVERY_FORM = [(name, form) for name, one in RECIPES.items() for form in one.forms]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def proxy(lab: Lab) -> Iterator[Proxy]:
    with Proxy(lab.scenario()) as running:
        yield running


def knowing(lab: Lab) -> Scenario:
    """A server that has the intermediate too: a browser sends its leaf alone."""
    scenario = lab.scenario()
    trusts = (lab.root.certificate, lab.issuing.certificate)
    return replace(scenario, server=replace(scenario.server, trusts=trusts))


def ran(recipe: Recipe, scenario: Scenario) -> Run:
    if recipe.speaks == "PostgreSQL":
        installed(POLICIES["PostgreSQL"].missing)
        with POLICIES["PostgreSQL"].serve(POLICIES["PostgreSQL"], scenario) as stand:
            return run(recipe, stand)
    with Proxy(scenario) as running:
        return run(recipe, running)


# it gets in


@live
@pytest.mark.parametrize(("name", "form"), EVERY_FORM)
def test_a_recipe_gets_in_as_alice_with_each_form_that_it_reads(lab: Lab, name: str, form: Form) -> None:
    installed(RECIPES[name].missing)

    done = ran(RECIPES[name].taking(form), knowing(lab))

    assert done.got_in, done.words
    assert done.whom == "CN=alice"


@live
@pytest.mark.parametrize("name", FILES)
def test_a_recipe_is_refused_where_the_server_trusts_somebody_else(lab: Lab, name: str) -> None:
    installed(RECIPES[name].missing)
    scenario = lab.scenario()
    server = replace(scenario.server, trusts=(lab.stranger.certificate,))

    done = ran(RECIPES[name], replace(scenario, server=server))

    assert not done.got_in
    assert done.whom == ""
    assert done.words


@live
def test_a_browser_shows_its_leaf_alone_to_a_server_that_names_no_authorities(lab: Lab, proxy: Proxy) -> None:
    installed(RECIPES["Chromium"].missing)

    done = run(RECIPES["Chromium"], proxy)

    assert not done.got_in
    assert done.handshake is not None
    assert [one.common_name for one in done.handshake.client_chain or ()] == ["alice"]


@live
def test_a_browser_shows_its_whole_chain_to_a_server_that_names_authorities(lab: Lab) -> None:
    installed(RECIPES["Chromium"].missing)
    policy = POLICIES["nginx"]
    installed(policy.missing)

    with policy.serve(policy, lab.scenario()) as stand:
        done = run(RECIPES["Chromium"], stand)

    assert done.got_in, done.words
    assert done.whom == "CN=alice"


@live
def test_a_credential_under_another_name_goes_by_its_own_files(lab: Lab) -> None:
    bob = lab.issuing.issue("bob-2", purpose="clientAuth")
    scenario = lab.scenario()

    done = ran(RECIPES["urllib"], replace(scenario, client=replace(scenario.client, presents=bob)))

    assert done.whom == "CN=bob-2"
    assert 'load_cert_chain("bob-2.pem", "bob-2-key.pem")' in str(done.paste)


# what is shown is what is run


@live
@pytest.mark.parametrize("name", FILES)
def test_what_is_run_is_what_is_shown(monkeypatch: pytest.MonkeyPatch, proxy: Proxy, name: str) -> None:
    installed(RECIPES[name].missing)
    commands: list[list[str]] = []
    saved: dict[str, str] = {}
    really = children.run

    def note(command: list[str], request: object, folder: Path, **rest: float) -> children.Finished:
        commands.append(list(command))
        saved.update({file: (folder / file).read_text() for file in paste.saved})
        return really(command, request, folder, **rest)  # type: ignore[arg-type]

    paste = RECIPES[name].for_target(proxy)
    monkeypatch.setattr(children, "run", note)
    run(RECIPES[name], proxy)

    typed = [["python" if word == sys.executable else word for word in command] for command in commands]
    assert [shlex.join(command) for command in typed] == [shlex.join(shlex.split(line)) for line in paste.typed]
    assert saved == paste.saved


@live
def test_to_what_is_shown_of_the_browser_a_run_adds_only_options_and_a_store_of_its_own(
    monkeypatch: pytest.MonkeyPatch, proxy: Proxy
) -> None:
    installed(RECIPES["Chromium"].missing)
    commands: list[list[str]] = []
    really = children.run

    def note(command: list[str], request: object, folder: Path, **rest: float) -> children.Finished:
        commands.append([word.replace(str(folder), "$HOME") for word in command])
        return really(command, request, folder, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(children, "run", note)
    shown = [shlex.split(line) for line in run(RECIPES["Chromium"], proxy).paste.typed]

    assert commands[:-1] == shown[:-1]
    assert commands[-1][-1] == shown[-1][-1]
    assert all(word.startswith("--") for word in commands[-1][1:-1])


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_prints_the_same_on_every_run(lab: Lab, name: str) -> None:
    with Proxy(lab.scenario()) as one, Proxy(lab.scenario()) as other:
        assert str(RECIPES[name].for_target(one)) == str(RECIPES[name].for_target(other))


@pytest.mark.parametrize("name", [name for name, one in RECIPES.items() if one.saved])
@pytest.mark.parametrize("form", FORMS)
def test_another_form_changes_the_text_and_nothing_is_left_of_the_old_one(name: str, form: Form) -> None:
    recipe = RECIPES[name]
    if form not in recipe.forms:
        with pytest.raises(ValueError, match=f"form={form!r}: {name} takes "):
            recipe.taking(form)
        return

    taking = recipe.taking(form)

    whole = taking.text + "\n".join(taking.typed)
    assert ("alice-key.pem" in whole) == (form == "PEM pair")
    assert (PASSWORD in whole) == (form == "PKCS#12")


# files


def test_a_recipe_writes_its_files_for_their_owner_alone(tmp_path: Path, proxy: Proxy) -> None:
    lines = RECIPES["Go"].for_target(proxy).write(tmp_path)

    assert lines == ("go build get.go", f"./get https://localhost:{proxy.port}/whoami")
    names = {path.name for path in tmp_path.iterdir()}
    assert {"get.go", "root.pem", "alice.pem", "alice-key.pem", "alice-both.pem", "alice.p12"} <= names
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_files_that_are_there_are_left_alone(tmp_path: Path, proxy: Proxy) -> None:
    (tmp_path / "root.pem").write_text("mine")

    with pytest.raises(ValueError, match="root.pem exists already"):
        RECIPES["curl"].for_target(proxy).write(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["root.pem"]


# misuse


@pytest.mark.parametrize(
    "change",
    [{"presents": None}, {"trusts": ()}, {"verifies": "none"}, {"verifies": "chain"}],
    ids=["presents nothing", "trusts nobody", "verifies nothing", "verifies the chain alone"],
)
def test_a_client_for_which_the_recipe_would_lie_is_an_error(lab: Lab, change: dict[str, object]) -> None:
    scenario = lab.scenario()
    client: Endpoint = replace(scenario.client, **change)  # type: ignore[arg-type]

    with (
        Proxy(replace(scenario, client=client)) as running,
        pytest.raises(ValueError, match="a recipe shows a client that presents a credential"),
    ):
        RECIPES["curl"].for_target(running)


def test_a_name_that_leads_elsewhere_is_an_error(lab: Lab) -> None:
    scenario = replace(lab.scenario(), server_name="shop.example")

    with Proxy(scenario) as running, pytest.raises(ValueError, match="a recipe dials 'localhost' or '127.0.0.1'"):
        RECIPES["curl"].for_target(running)


def test_a_program_that_is_not_there_says_how_to_get_it(proxy: Proxy) -> None:
    gone = replace(RECIPES["curl"], missing=lambda: "curl is not installed: `apt install curl`")

    with pytest.raises(FileNotFoundError, match="apt install curl"):
        run(gone, proxy)


def test_a_program_that_hangs_is_told_from_one_that_is_refused(monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> None:
    late = children.Finished(exit_code=None, out=b"", err=b"")
    monkeypatch.setattr(children, "run", lambda *_, **__: late)

    with pytest.raises(TimeoutError, match="urllib was not done"):
        run(RECIPES["urllib"], proxy)
