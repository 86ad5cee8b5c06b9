"""Where a notebook writes: a tryout replaces nothing, and a folder that cannot be written is noticed early."""

import os

import pytest

from fmnist import outputs


def save(name, text):
    with outputs.saving("models", name) as path:
        assert path.suffix == ".pth"
        path.write_text(text)


def test_a_whole_run_writes_to_the_repository_and_says_nothing(root, capsys):
    outputs.prepare(None)
    save("m.pth", "weights")
    assert (root / "models" / "m.pth").read_text() == "weights"
    assert outputs.find("models", "m.pth").read_text() == "weights"
    assert capsys.readouterr().out == ""


def test_a_tryout_writes_elsewhere_and_says_so(root, capsys):
    save("m.pth", "of a whole run")
    outputs.prepare(2000)
    assert outputs.find("models", "m.pth").read_text() == "of a whole run", "what it reads is the repository's"
    save("m.pth", "of a tryout")
    assert (root / "models" / "m.pth").read_text() == "of a whole run"
    assert (root / "tryout" / "models" / "m.pth").read_text() == "of a tryout"
    assert outputs.find("models", "m.pth").read_text() == "of a tryout", "what it has written itself, it reads again"
    said = capsys.readouterr().out
    assert said.startswith(
        "MAX_IMAGES is 2000, so this is a tryout: figures and models are saved in the folder tryout/."
    )


@pytest.mark.parametrize("value", [(2, 0), "2000", 2000.0, True, 99, 0, -1])
def test_a_number_of_images_that_cannot_work_is_refused(root, value):
    with pytest.raises(ValueError, match=r"^MAX_IMAGES is .*\. It must be None .* or a whole number of at least 100"):
        outputs.prepare(value)
    outputs.prepare(100)


def test_what_an_earlier_tryout_left_is_not_read(root):
    (root / "tryout" / "models").mkdir(parents=True)
    (root / "tryout" / "models" / "m.pth").write_text("of last week")
    outputs.prepare(600)
    assert outputs.find("models", "m.pth") == root / "models" / "m.pth"


@pytest.mark.parametrize(("max_images", "folder"), [(None, "aside"), (600, "aside/tryout")])
def test_the_runner_can_name_a_folder_aside(root, monkeypatch, max_images, folder):
    monkeypatch.setenv(outputs.VARIABLE, str(root / "aside"))
    outputs.prepare(max_images)
    save("m.pth", "weights")
    assert (root / folder / "models" / "m.pth").read_text() == "weights"
    assert not (root / "models").exists()
    assert outputs.find("models", "m.pth").read_text() == "weights"
    assert outputs.find("models", "other.pth") == root / "models" / "other.pth"


def test_a_write_that_fails_leaves_the_old_file(root):
    save("m.pth", "old")
    with pytest.raises(ZeroDivisionError), outputs.saving("models", "m.pth") as path:
        path.write_text("half")
        raise ZeroDivisionError
    assert outputs.find("models", "m.pth").read_text() == "old"
    assert [path.name for path in (root / "models").iterdir()] == ["m.pth"]


@pytest.mark.parametrize("kind", outputs.KINDS)
def test_a_folder_that_cannot_be_written_is_named_before_the_training(root, kind):
    (root / kind).write_text("a file in the place of the folder")
    with pytest.raises(
        outputs.OutputError, match=f"^The folder {kind} of the repository cannot be written to .*: give your account"
    ):
        outputs.prepare(None)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this account")
def test_a_folder_without_the_right_to_write_is_named(root):
    (root / "models").mkdir(mode=0o500)
    with pytest.raises(
        outputs.OutputError, match=r"^The folder models of the repository cannot be written to \(Permission denied\)"
    ):
        outputs.prepare(None)
