// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// test-recorder COMMAND: the recorder in Vala, and the training COMMAND, which
// is the example docs/examples/vala/train.vala, stopped, resumed and compared.

string command;

string new_directory () throws Error {
    return DirUtils.make_tmp ("sng-test-XXXXXX");
}

void remove_tree (File file) throws Error {
    if (file.query_file_type (FileQueryInfoFlags.NOFOLLOW_SYMLINKS) == FileType.DIRECTORY) {
        var children = file.enumerate_children ("standard::name", FileQueryInfoFlags.NOFOLLOW_SYMLINKS);
        FileInfo? info;
        while ((info = children.next_file ()) != null)
            remove_tree (file.get_child (info.get_name ()));
    }
    file.delete ();
}

// A run by the protocol of "sng check". Returns what it printed.
string train (string directory, string mode, bool stops, out bool succeeded) throws Error {
    string output;
    var run = Path.build_filename (directory, mode);
    DirUtils.create_with_parents (run, 0755);
    var launcher = new SubprocessLauncher (SubprocessFlags.STDOUT_PIPE | SubprocessFlags.STDERR_MERGE);
    launcher.setenv ("SNG_MODE", mode, true);
    launcher.setenv ("SNG_RUN_DIR", run, true);
    launcher.setenv ("SNG_CHECKPOINT_DIR", directory, true);
    if (stops) {
        launcher.setenv ("SNG_STOP_AT", "5", true);
        launcher.setenv ("SNG_STOP_KIND", "raise", true);
    }
    var process = launcher.spawnv ({command});
    process.communicate_utf8 (null, null, out output, null);
    succeeded = process.get_successful ();
    return output;
}

Sng.RunStore open_run (string directory, string mode) throws Error {
    return Sng.RunStore.open (Path.build_filename (directory, mode, "rank-00000.db"));
}

// Trains without a stop, then with one after step 5, and compares. Between the two the checkpoint forgets a key.
Sng.Report check (string directory, string? forget) throws Error {
    bool succeeded;
    var path = Path.build_filename (directory, "checkpoint.ini");
    var output = train (directory, "continuous", false, out succeeded);
    assert_true (succeeded && output.has_prefix ("step 12: y = "));
    FileUtils.unlink (path);

    output = train (directory, "stop", true, out succeeded);
    assert_true (!succeeded && "the training was stopped on purpose, after step 5" in output);
    var file = new KeyFile ();
    file.load_from_file (path, KeyFileFlags.NONE);
    assert_cmpint (file.get_integer ("state", "step"), CompareOperator.EQ, 5);
    if (forget != null) {
        file.set_double ("state", forget, 0);
        file.save_to_file (path);
    }
    output = train (directory, "resume", false, out succeeded);
    assert_true (succeeded);

    var comparison = new Sng.Comparison (open_run (directory, "continuous"));
    comparison.add_segment (Sng.Mode.STOP, open_run (directory, "stop"));
    comparison.add_segment (Sng.Mode.RESUME, open_run (directory, "resume"));
    return comparison.run ();
}

void test_training (string? forget, string? metric) {
    try {
        var directory = new_directory ();
        var report = check (directory, forget);
        if (metric == null) {
            assert_cmpint (report.get_verdict (), CompareOperator.EQ, Sng.Verdict.PASS);
            assert_cmpuint (report.get_metrics ().get_n_items (), CompareOperator.EQ, 6);
        } else {
            assert_cmpint (report.lookup_metric (metric).verdict, CompareOperator.EQ, Sng.Verdict.DIVERGED);
            assert_cmpuint ((uint) report.get_first_divergence ().step, CompareOperator.EQ, 6);
        }
        remove_tree (File.new_for_path (directory));
    } catch (Error error) {
        GLib.error (error.message);
    }
}

void test_inactive () {
    try {
        var recorder = new Sng.Recorder.from_environment ();
        assert_true (!recorder.is_active () && recorder.get_checkpoint_dir () == null);
        assert_true (recorder.step (1) && recorder.step (1));
    } catch (Error error) {
        GLib.error (error.message);
    }
}

// A metric of two types is an error, which says what to do.
void test_two_types () {
    try {
        var directory = new_directory ();
        Environment.set_variable ("SNG_RUN_DIR", directory, true);
        Environment.set_variable ("SNG_MODE", "continuous", true);
        var recorder = new Sng.Recorder.from_environment ();
        Environment.unset_variable ("SNG_RUN_DIR");
        var metrics = new Sng.StateDict ();
        metrics.set_double ("TrainLoss", 0.5);
        assert_true (recorder.is_active () && recorder.step (1, metrics));
        metrics.set_int64 ("TrainLoss", 1);
        try {
            recorder.step (2, metrics);
            assert_not_reached ();
        } catch (Sng.Error.MISMATCH error) {
            assert_true ("TrainLoss is an integer at step 2, and was a floating-point number before: convert it" in error.message);
        }
        assert_cmpint (recorder.get_store ().query ("TrainLoss").length, CompareOperator.EQ, 1);
        recorder.get_store ().close ();
        remove_tree (File.new_for_path (directory));
    } catch (Error error) {
        GLib.error (error.message);
    }
}

int main (string[] args) {
    Test.init (ref args);
    command = args[1];
    Test.add_func ("/sng/vala/recorder/inactive", test_inactive);
    Test.add_func ("/sng/vala/recorder/two-types", test_two_types);
    Test.add_data_func ("/sng/vala/recorder/training/passes", () => test_training (null, null));
    Test.add_data_func ("/sng/vala/recorder/training/forgets-velocity", () => test_training ("velocity", "OptimizerState"));
    return Test.run ();
}
