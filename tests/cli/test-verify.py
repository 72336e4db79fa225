#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that "sng verify" finds what is damaged and nothing else, and that no command takes a damaged or foreign
run for one of libsng: test-verify.py SNG."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

from cli import DIFFERENT, ENVIRONMENT, ERROR, PASS, SNG, TEMPORARY, WORK, has_error, main, small_run, sng

DAMAGED = DIFFERENT


def sound_run(name="sound"):
    if not (WORK / name).exists():
        small_run(name)
    return WORK / name


def copy_of(path, name):
    target = WORK / name / path.name
    shutil.rmtree(WORK / name, ignore_errors=True)
    if path.is_dir():
        shutil.copytree(path, target)
    else:
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)
    return target


def flip(path, place):
    contents = bytearray(path.read_bytes())
    contents[place] ^= 1
    path.write_bytes(contents)


def verify(path, code, *parts):
    """The lines of a verification, of which the damaged ones have the parts in them."""
    lines = sng("verify", path, code=code).stdout.splitlines()
    damaged = [line for line in lines if ": DAMAGED: " in line]
    assert all(": OK, " in line or line in damaged or "a resume goes on from" in line for line in lines), lines
    assert bool(damaged) == (code == DAMAGED), lines
    for part in parts:
        assert any(str(part) in line for line in damaged), f"{part} is not in {damaged}"
    return lines


def test_sound():
    run = sound_run()
    lines = verify(run, PASS)
    assert len(lines) == 11, lines
    assert re.search(r"/continuous/rank-00000\.db: OK, \d{3,} entries$", lines[0]), lines
    assert re.search(r"/step-00000002: OK, the state after step 2: [1-9]\d* states, \d{2,} tensors, \d{5,} bytes$", lines[1]), lines
    assert lines[3].endswith("/continuous/checkpoints/latest: OK, a resume goes on from step-00000004"), lines
    assert len(verify(run / "continuous", PASS)) == 4
    assert len(verify(run / "continuous/checkpoints", PASS)) == 3
    assert len(verify(run / "continuous/checkpoints/step-00000004", PASS)) == 1
    assert len(verify(run / "continuous/rank-00000.db", PASS)) == 1
    line, = verify(run / "continuous/checkpoints/step-00000004/model.safetensors", PASS)
    assert " tensors" in line and "no digest" in line, line
    assert sng("verify", "--quiet", run, code=PASS).stdout == ""


def test_paths():
    """Relative, with slashes at the end, many; a bad one does not keep the others from being verified."""
    run = sound_run()
    for path in ("sound", "./sound/", "sound/continuous//", "sound/../sound/continuous/checkpoints/step-00000002/", "sound/continuous/rank-00000.db"):
        verify(path, PASS)
    broken = copy_of(run / "continuous/checkpoints/step-00000002", "paths")
    flip(broken / "model.safetensors", -1)
    result = sng("verify", run / "continuous/rank-00000.db", broken, run / "stop-000002", code=DAMAGED)
    assert [": OK, " in line for line in result.stdout.splitlines()] == [True, False, True, True, True], result.stdout
    result = sng("verify", "nowhere", broken, run / "stop-000002", code=ERROR)
    assert result.stderr == "sng: nowhere does not exist\n" and len(result.stdout.splitlines()) == 4, result
    result = sng("verify", "-q", run, broken, code=DAMAGED)
    assert result.stdout.startswith(f"{broken}: DAMAGED: ") and result.stdout.count("\n") == 1, result.stdout


def test_errors():
    (WORK / "empty").mkdir(exist_ok=True)
    (WORK / "a.txt").write_text("nothing")
    os.mkfifo(WORK / "pipe.db")
    for path in ("nowhere", "empty", "a.txt", "pipe.db", "/dev/null", ""):
        has_error(sng("verify", path, code=ERROR), path)
    has_error(sng("verify", code=ERROR), "--help")
    has_error(sng("verify", "--loud", code=ERROR), "--loud")
    assert "Exit codes" in sng("verify", "--help", code=PASS).stdout
    assert "\n  verify" in sng("--help", code=PASS).stdout


def plant(checkpoint, kind):
    model, manifest = checkpoint / "model.safetensors", checkpoint / "state.json"
    if kind == "tensor":
        flip(model, model.stat().st_size // 2)
    elif kind == "header":
        flip(model, 20)
    elif kind == "manifest":
        flip(manifest, manifest.stat().st_size // 2)
    elif kind == "first byte":
        flip(manifest, 0)
    elif kind == "cut":
        os.truncate(model, model.stat().st_size - 1)
    elif kind == "cut manifest":
        os.truncate(manifest, manifest.stat().st_size - 1)
    elif kind == "longer":
        model.write_bytes(model.read_bytes() + b"\0")
    elif kind == "missing":
        model.unlink()
    elif kind == "no manifest":
        manifest.unlink()
    elif kind == "swapped":
        other = checkpoint / "optimizer.safetensors"
        contents = model.read_bytes()
        model.write_bytes(other.read_bytes())
        other.write_bytes(contents)
    elif kind == "of another step":
        shutil.copy(sound_run() / "continuous/checkpoints/step-00000004/model.safetensors", model)
    elif kind == "renamed":
        checkpoint.rename(checkpoint.with_name("step-00000003"))
        return checkpoint.with_name("step-00000003")
    return checkpoint


def test_damaged_checkpoints():
    """By themselves, in a directory of checkpoints, and in a whole run."""
    source = sound_run()
    for kind in ("tensor", "header", "manifest", "first byte", "cut", "cut manifest", "longer", "missing", "no manifest", "swapped", "of another step",
                 "renamed"):
        run = copy_of(source, "damaged")
        checkpoint = plant(run / "continuous/checkpoints/step-00000002", kind)
        line, = verify(checkpoint, DAMAGED, checkpoint)
        assert line.startswith(f"{checkpoint}: DAMAGED: [checkpoint][load] "), line
        assert [": OK, " in line for line in verify(checkpoint.parent, DAMAGED, checkpoint)] == [False, True, True], kind
        lines = verify(run, DAMAGED, checkpoint)
        assert len(lines) == 11 and sum(": DAMAGED: " in line for line in lines) == 1, lines


def test_latest():
    """Where latest leads, and what a resume would go on from instead."""
    store = copy_of(sound_run() / "continuous/checkpoints", "latest")
    flip(store / "step-00000004/model.safetensors", -1)
    lines = verify(store, DAMAGED, "step-00000004")
    assert lines[-1] == f"{store}: a resume goes on from step-00000002, and not from what was saved last", lines
    flip(store / "step-00000002/model.safetensors", -1)
    verify(store, DAMAGED, "no checkpoint can be loaded")
    for content in ("step-00000009\n", "step-00000004", "nonsense\n", ""):
        store = copy_of(sound_run() / "continuous/checkpoints", "latest")
        (store / "latest").write_text(content)
        lines = verify(store, DAMAGED, store / "latest")
        assert "goes on from step-00000004" in lines[-1], lines
    shutil.rmtree(store / "step-00000002")
    shutil.rmtree(store / "step-00000004")
    verify(store, DAMAGED, "no checkpoint can be loaded")


def test_damaged_stores():
    source = sound_run() / "continuous/rank-00000.db"
    size = source.stat().st_size
    for place in range(size // 37, size, size // 37):
        store = copy_of(source, "store")
        flip(store, place)
        lines = sng("verify", store, code=DAMAGED if "DAMAGED" in sng_any("verify", store) else PASS).stdout
        if "DAMAGED" in lines:
            assert str(store) in lines and "[record]" in lines, lines
            has_error(sng("show", store, code=ERROR), store)
            has_error(sng("diff", source, store, code=ERROR), store)
        else:
            assert "equal" in sng("diff", source, store, code=PASS).stdout
    for length in (0, 100, 4096, size - 4096, size - 1):
        store = copy_of(source, "store")
        os.truncate(store, length)
        verify(store, DAMAGED, store)
        has_error(sng("diff", source, store, code=ERROR), store)
    run = copy_of(sound_run(), "store")
    (run / "resume-000002/rank-00000.db").unlink()
    verify(run, DAMAGED, run / "resume-000002/rank-00000.db")


def sng_any(*arguments):
    return subprocess.run([SNG, *map(str, arguments)], env=ENVIRONMENT, cwd=WORK, capture_output=True, text=True).stdout


def test_foreign_stores():
    """What is no run store is one of nothing recorded for no command."""
    source = sound_run() / "continuous/rank-00000.db"
    folder = WORK / "foreign"
    folder.mkdir()
    (folder / "text.db").write_text("This is a letter. " * 400)
    (folder / "empty.db").write_bytes(b"")
    (folder / "noise.db").write_bytes(bytes((i * i * 31 + i // 7) % 256 for i in range(20000)))
    (folder / "directory.db").mkdir()
    os.mkfifo(folder / "pipe.db")
    with contextlib.closing(sqlite3.connect(folder / "other.db")) as database:
        database.executescript("CREATE TABLE bookmarks (url); INSERT INTO bookmarks VALUES ('x');")
    for name, sql in (("view", "ALTER TABLE entries RENAME TO real; CREATE VIEW entries AS SELECT * FROM real"),
                      ("trigger", "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END"),
                      ("columns", "ALTER TABLE entries ADD COLUMN more"), ("rows", "DELETE FROM entries"), ("step", "UPDATE entries SET step = step + 1"),
                      ("version", "PRAGMA user_version = 1"), ("application", "PRAGMA application_id = 1")):
        shutil.copy(source, folder / f"{name}.db")
        with contextlib.closing(sqlite3.connect(folder / f"{name}.db")) as database:
            database.executescript(sql)
    names = sorted(folder.iterdir())
    assert len(names) == 13, names
    for path in names:
        for arguments in (("show", path), ("diff", source, path), ("diff", path, source), ("diff", path, path)):
            has_error(sng(*arguments, code=ERROR), path)
        if path.is_file():
            verify(path, DAMAGED, path)
        else:
            has_error(sng("verify", path, code=ERROR), path)


def test_killed_store():
    """One whose writer was killed is whole with its log, and refused without it."""
    folder = WORK / "killed"
    folder.mkdir()
    sng("demo", "--steps", 4, "--stops", "2:kill", "--output", folder / "run", code=PASS)
    store = next(path.with_name("rank-00000.db") for path in folder.rglob("rank-00000.db-wal"))
    verify(store, PASS)
    verify(folder / "run", PASS)
    log = store.with_name("rank-00000.db-wal")
    flip(log, log.stat().st_size - 50)
    verify(store, DAMAGED, log)
    has_error(sng("show", store, code=ERROR), log)
    log.unlink()
    verify(store, DAMAGED, log, "missing")
    verify(folder / "run", DAMAGED, log)


def test_captures():
    """A captured tensor is the one that was recorded."""
    folder = WORK / "captures"
    sng("demo", "--steps", 4, "--tolerance", "noise", "--output", folder, code=PASS)
    files = sorted(folder.glob("continuous/captures/*.safetensors"))
    assert files, "nothing was captured"
    line = verify(folder / "continuous/rank-00000.db", PASS)[0]
    assert f"{len(files)} captured tensors" in line, line
    contents = files[0].read_bytes()
    flip(files[0], -1)
    verify(folder / "continuous/rank-00000.db", DAMAGED, files[0], "not the tensor")
    files[0].unlink()
    verify(folder / "continuous/rank-00000.db", DAMAGED, files[0])
    (WORK / "elsewhere.safetensors").write_bytes(contents)
    files[0].symlink_to(WORK / "elsewhere.safetensors")
    verify(folder / "continuous/rank-00000.db", DAMAGED, files[0], "symbolic link")


def test_hostile_files():
    """What is not as a run has it in the files beside its stores: a message that names the file, or it does not matter."""
    contents = [b"", b"\0" * 100, b"\xff\xfe{}", b"[]", b"5", b"null", b'"x"', b"{}", b"[" * 200000, b'/* " */' + b"[" * 200000, b"# '\n" + b"[" * 200000,
                b'{"a":' * 100000, b'{"steps": {}}',
                json.dumps({"steps": 1e400, "stops": "x", "seed": 0}).encode(), json.dumps({"steps": 4, "stops": "\n", "seed": -1, "command": {"a": 1},
                "settings": [], "environment": 7}).encode(), json.dumps({"steps": 4, "stops": "x", "seed": 0, "command": [1, None, ["x"], "a b"],
                "settings": {"a": [[]], "b": None}, "environment": {"": {}}}).encode(), json.dumps({"verdict": ["PASS"]}).encode()]
    for name in ("plan.json", "report.json"):
        for content in contents:
            run = copy_of(sound_run(), "hostile")
            (run / name).write_bytes(content)
            for arguments in (("show", run), ("diff", run, sound_run())):
                result = subprocess.run([SNG, *map(str, arguments)], env=ENVIRONMENT, cwd=WORK, capture_output=True, timeout=60)
                assert result.returncode in (PASS, DIFFERENT, ERROR), (name, content[:40], result.returncode, result.stderr[-300:])
                if result.returncode == ERROR:
                    assert f"{run}/{name}".encode() in result.stderr, (name, content[:40], result.stderr[-300:])
                assert b"CRITICAL" not in result.stderr, result.stderr
    assert not os.listdir(TEMPORARY)


if __name__ == "__main__":
    sys.exit(main(globals(), "verify"))
