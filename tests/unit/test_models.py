"""One loader for models: what is damaged, foreign or from a tryout is named, with what to do."""

import hashlib
import json

import pytest

from fmnist import models, outputs, records

NAME = "01_cnn_pytorch"
BACK = rf"get the committed files back with `git checkout HEAD -- models/{NAME}\.pth models/{NAME}\.json` in the .*"
TRAIN = r"or train the model again with `make run NOTEBOOKS=pytorch/01_dense_and_cnn`"


@pytest.fixture
def folder(root):
    """The models/ of a repository with one sound model and its record."""
    folder = root / "models"
    folder.mkdir()
    (folder / f"{NAME}.pth").write_bytes(b"the weights")
    record(folder)
    return folder


def record(folder, **other):
    known = dict.fromkeys(records.ENTRIES) | {"name": NAME, "test_images": 10_000}
    known["model_sha256"] = hashlib.sha256(b"the weights").hexdigest()
    (folder / f"{NAME}.json").write_text(json.dumps(known | other))


def test_a_sound_model_is_found_without_a_word(folder, capsys):
    assert models.verified(NAME) == folder / f"{NAME}.pth"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"the weight", b"the weightS", b"<html><body>404</body></html>", b"cposix\nsystem\n(S'true'\ntR."],
    ids=["empty", "truncated", "one bit", "a web page", "a hostile pickle"],
)
def test_a_model_that_is_not_that_of_its_record(folder, content):
    (folder / f"{NAME}.pth").write_bytes(content)
    said = rf"^models/{NAME}\.pth is not the file that models/{NAME}\.json describes .*: {BACK}, {TRAIN}\.$"
    with pytest.raises(models.ModelError, match=said) as error:
        models.verified(NAME)
    assert "weights_only" not in str(error.value)


def test_a_missing_model(folder):
    (folder / f"{NAME}.pth").unlink()
    with pytest.raises(models.ModelError, match=rf"^models/{NAME}\.pth is missing: {BACK}, {TRAIN}\.$"):
        models.verified(NAME)


def test_a_folder_in_the_place_of_a_model(folder):
    (folder / f"{NAME}.pth").unlink()
    (folder / f"{NAME}.pth").mkdir()
    with pytest.raises(models.ModelError, match=rf"^models/{NAME}\.pth cannot be read"):
        models.verified(NAME)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"is damaged \(it is not valid JSON\)"),
        ('{"name": ', r"is damaged \(it is not valid JSON\)"),
        ("[1, 2]", f"is not the record of {NAME}"),
        ("{}", f"is not the record of {NAME}"),
        (f'{{"name": "{NAME}"}}', r"is damaged \(it has no framework, chapter, .*\)"),
        ('{"name": "01_dense_keras"}', f"is not the record of {NAME} but of 01_dense_keras"),
        ("\udcff", r"is damaged \(it is not valid JSON\)"),
    ],
)
def test_a_record_that_cannot_be_used(folder, text, said):
    (folder / f"{NAME}.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(records.RecordError, match=rf"^models/{NAME}\.json {said}: {BACK}, {TRAIN}\.$"):
        models.verified(NAME)
    with pytest.raises(records.RecordError, match=rf"^models/{NAME}\.json {said}"):
        records.results_table()


def test_a_missing_record(folder):
    (folder / f"{NAME}.json").unlink()
    with pytest.raises(records.RecordError, match=rf"^models/{NAME}\.json is missing: {BACK}"):
        models.verified(NAME)


def test_what_no_chapter_makes_can_only_be_brought_back(folder):
    with pytest.raises(
        records.RecordError, match=r"^models/costs\.json is missing: get it back with `git checkout HEAD"
    ):
        records.read("costs")


def test_a_model_of_a_tryout_is_used_with_a_note(folder, capsys):
    record(folder, test_images=2000)
    assert models.verified(NAME) == folder / f"{NAME}.pth"
    said = capsys.readouterr().out
    assert said.startswith(f"Note: models/{NAME}.pth was trained in a tryout: its accuracy was measured on 2000 images")


def test_what_was_just_saved_is_the_model_that_is_found(folder, monkeypatch):
    monkeypatch.setenv(outputs.VARIABLE, str(folder.parent / "aside"))
    with models.saving(NAME) as path:
        path.write_bytes(b"new weights")
    assert (folder / f"{NAME}.pth").read_bytes() == b"the weights"
    assert records.model_path(NAME).read_bytes() == b"new weights"
