// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every function that can be overridden, overridden in Vala and called from C;
// and what comes of an error in one.

// All that the typelib knows: "Class.function".
string[] overridable () throws Error {
    string[] found = {};
    unowned var repository = GI.Repository.get_default ();
    repository.require ("Sng", "1.0", 0);
    for (var i = 0; i < repository.get_n_infos ("Sng"); i++) {
        var info = repository.get_info ("Sng", i);
        if (info.get_type () == GI.InfoType.OBJECT) {
            unowned var object = (GI.ObjectInfo) info;
            for (var j = 0; j < object.get_n_vfuncs (); j++)
                found += "%s.%s".printf (info.get_name (), object.get_vfunc (j).get_name ());
        } else if (info.get_type () == GI.InfoType.INTERFACE) {
            unowned var iface = (GI.InterfaceInfo) info;
            for (var j = 0; j < iface.get_n_vfuncs (); j++)
                found += "%s.%s".printf (info.get_name (), iface.get_vfunc (j).get_name ());
        }
    }
    return found;
}

Sng.Report check (string? forget = null) throws Error {
    var harness = new LinearHarness (forget);
    harness.isolation = Sng.Isolation.NONE;
    return harness.run_stop_and_go ();
}

string message_of (Sng.Harness harness) {
    harness.isolation = Sng.Isolation.NONE;
    try {
        harness.run_stop_and_go ();
    } catch (Error error) {
        return error.message;
    }
    error ("nothing was thrown");
}

void assert_includes (string text, string expected) {
    if (!(expected in text))
        error ("\"%s\" is not in \"%s\"", expected, text);
}

void test_faithful_resume_passes () {
    try {
        calls.remove_all ();
        var report = check ();
        assert_cmpint (report.get_verdict (), CompareOperator.EQ, Sng.Verdict.PASS);
        assert_cmpuint ((uint) report.lookup_metric ("Weight").compared, CompareOperator.GT, 8);

        var expected = overridable ();
        assert_cmpint (expected.length, CompareOperator.GT, 25);
        foreach (var name in expected) {
            if (!(name in calls) && name != "Model.find_non_finite")
                error ("%s was not called", name);
        }
    } catch (Error error) {
        GLib.error (error.message);
    }
}

void test_forgotten (string forget, string metric, uint64 step) {
    try {
        var report = check (forget);
        var first = report.get_first_divergence ();
        assert_cmpint (report.get_verdict (), CompareOperator.EQ, Sng.Verdict.DIVERGED);
        assert_cmpstr (first.metric, CompareOperator.EQ, metric);
        assert_cmpuint ((uint) first.step, CompareOperator.EQ, (uint) step);
        assert_cmpint (first.mode, CompareOperator.EQ, Sng.Mode.RESUME);
    } catch (Error error) {
        GLib.error (error.message);
    }
}

// An error in any function ends the run with an error that names class and function.
void test_error (string function) {
    planted = function;
    var message = message_of (new LinearHarness ());
    planted = null;
    assert_includes (message, ".%s: planted".printf (function.split (".")[1]));
}

class NoModelHarness : Sng.Harness {
}

class NullHarness : Sng.Harness {
    public override Sng.Setup? setup_model (Sng.Mode mode) throws Error {
        return null;
    }
}

class FalseHarness : LinearHarness {
    public override bool setup () throws Error {
        return false;
    }
}

class WrongListHarness : LinearHarness {
    public override ListModel? get_default_callbacks () throws Error {
        var list = new ListStore (typeof (Object));
        list.append (new Cancellable ());
        return list;
    }
}

void test_wrong_results () {
    assert_includes (message_of (new NoModelHarness ()), "[vfunc] NoModelHarness does not implement setup_model: it must return");
    assert_includes (message_of (new NullHarness ()), "[vfunc] NullHarness.setup_model failed without an error");
    assert_includes (message_of (new FalseHarness ()), "[vfunc] FalseHarness.setup failed without an error");
    assert_includes (message_of (new WrongListHarness ()), "with a GCancellable in it, which is no SngCallback");
}

void test_error_keeps_its_code () {
    var state = new Sng.StateDict ();
    state.set_int64 ("count", -1);
    try {
        new BatchCounter ().check_state (state);
        assert_not_reached ();
    } catch (Sng.Error.INVALID_DATA error) {
        assert_includes (error.message, "a negative count");
    } catch (Error error) {
        GLib.error (error.message);
    }
}

// Without a function of its own, every state fits.
class Trusting : Object, Sng.Stateful {
    public Sng.StateDict get_state () throws Error {
        return new Sng.StateDict ();
    }

    public bool set_state (Sng.StateDict state) throws Error {
        throw new Sng.Error.MISMATCH ("not this one");
    }
}

void test_optional_function () {
    try {
        Sng.Stateful trusting = new Trusting ();
        assert_true (trusting.check_state (new Sng.StateDict ()));
        trusting.set_state (new Sng.StateDict ());
        assert_not_reached ();
    } catch (Sng.Error.MISMATCH error) {
        assert_cmpstr (error.message, CompareOperator.EQ, "[vfunc] Trusting.set_state: not this one");
    } catch (Error error) {
        GLib.error (error.message);
    }
}

// Is asked only where something is wrong.
void test_find_non_finite () {
    try {
        var model = new LinearModel ();
        assert_null (model.find_non_finite ());
        model.residual = {1, double.INFINITY};
        assert_cmpstr (model.find_non_finite (), CompareOperator.EQ, "residual");
    } catch (Error error) {
        GLib.error (error.message);
    }
}

void test_extra_metric () {
    try {
        var harness = new LinearHarness ();
        harness.isolation = Sng.Isolation.NONE;
        harness.add_metric ("Bias", (trainer) => parameter (trainer.get_model ().get_parameters (), 1).value.get_value (0));
        var result = harness.run_stop_and_go ().lookup_metric ("Bias");
        assert_cmpint (result.verdict, CompareOperator.EQ, Sng.Verdict.PASS);
        assert_cmpuint ((uint) result.compared, CompareOperator.EQ, 8);

        harness = new LinearHarness ();
        harness.add_metric ("Bias", () => { throw new IOError.FAILED ("planted"); });
        assert_includes (message_of (harness), "SngFunctionCallback.Bias: planted");
    } catch (Error error) {
        GLib.error (error.message);
    }
}

async void run_async (MainLoop loop, Cancellable? cancellable, out Sng.Report? report, out string? message) {
    report = null;
    message = null;
    try {
        var harness = new LinearHarness ();
        harness.isolation = Sng.Isolation.NONE;
        report = yield harness.run_stop_and_go_async (cancellable);
    } catch (Error error) {
        message = error.message;
    }
    loop.quit ();
}

void test_async () {
    var loop = new MainLoop ();
    Sng.Report? report = null;
    string? message = null;
    run_async.begin (loop, null, (object, result) => run_async.end (result, out report, out message));
    loop.run ();
    assert_null (message);
    assert_cmpint (report.get_verdict (), CompareOperator.EQ, Sng.Verdict.PASS);

    planted = "Harness.setup_model";
    run_async.begin (loop, null, (object, result) => run_async.end (result, out report, out message));
    loop.run ();
    planted = null;
    assert_includes (message, "[vfunc] LinearHarness.setup_model: planted");
}

void test_signals () {
    try {
        var harness = new LinearHarness ("optimizer");
        string[] heard = {};
        harness.isolation = Sng.Isolation.NONE;
        harness.mode_started.connect ((mode) => heard += mode.to_string ());
        harness.divergence.connect ((divergence) => heard += divergence.metric);
        harness.run_stop_and_go ();
        assert_cmpstr (string.joinv (" ", heard[0:3]), CompareOperator.EQ, "continuous stop resume");
        assert_true ("OptimizerState" in heard);
    } catch (Error error) {
        GLib.error (error.message);
    }
}

// What the bindings have beside functions: arrays, nulls, defaults, values that own themselves.
void test_values () {
    try {
        var tensor = new Sng.Tensor (Sng.Dtype.F32, {2, 3});
        assert_cmpint (tensor.get_shape ().length, CompareOperator.EQ, 2);
        assert_cmpint ((int) tensor.get_shape ()[1], CompareOperator.EQ, 3);
        assert_cmpint (tensor.dup_values ().length, CompareOperator.EQ, 6);
        var state = new Sng.StateDict ();
        state.set_tensor ("t", tensor);
        state.set_value ("v", true);
        assert_null (state.lookup_tensor ("v"));
        assert_true (state.lookup_value ("v").get_boolean ());
        assert_cmpstr (string.joinv (" ", state.dup_names ()), CompareOperator.EQ, "t v");

        var fingerprint = state.compute_fingerprint ();
        var copy = fingerprint.copy ();
        state.set_value ("v", false);
        assert_true (copy.equal (fingerprint) && !copy.equal (state.compute_fingerprint ()));
        assert_true (new Sng.Fingerprint.from_string (copy.to_string ()).equal (fingerprint));

        var shard = new Sng.Shard.split ({4, 2}, 0, 1, 2);
        var same = shard;
        assert_true (same.equal (new Sng.Shard ({4, 2}, {2, 0}, {2, 2})));
        assert_cmpint (((Sng.Fault) Sng.Fault.list ().get_item (0)).get_expected_metrics ().length, CompareOperator.GT, 0);
    } catch (Error error) {
        GLib.error (error.message);
    }
}

int main (string[] args) {
    Test.init (ref args);
    calls = new GenericSet<string> (str_hash, str_equal);
    Test.add_func ("/sng/vala/faithful-resume-passes", test_faithful_resume_passes);
    Test.add_data_func ("/sng/vala/forgotten/optimizer", () => test_forgotten ("optimizer", "OptimizerState", 5));
    Test.add_data_func ("/sng/vala/forgotten/model", () => test_forgotten ("model", "ModelWeights", 5));
    Test.add_data_func ("/sng/vala/forgotten/batches", () => test_forgotten ("batches", "BatchCount", 5));
    Test.add_data_func ("/sng/vala/forgotten/scheduler", () => test_forgotten ("scheduler", "SchedulerState", 5));
    Test.add_data_func ("/sng/vala/forgotten/sampler", () => test_forgotten ("sampler", "SampleIds", 6));
    try {
        foreach (var name in overridable ()) {
            // One takes no error, and one is not called.
            if (name in new string[] { "DataModule.get_n_samples", "Model.find_non_finite" })
                continue;
            var function = name;
            Test.add_data_func ("/sng/vala/error/%s".printf (name), () => test_error (function));
        }
    } catch (Error error) {
        GLib.error (error.message);
    }
    Test.add_func ("/sng/vala/wrong-results", test_wrong_results);
    Test.add_func ("/sng/vala/error-keeps-its-code", test_error_keeps_its_code);
    Test.add_func ("/sng/vala/optional-function", test_optional_function);
    Test.add_func ("/sng/vala/find-non-finite", test_find_non_finite);
    Test.add_func ("/sng/vala/extra-metric", test_extra_metric);
    Test.add_func ("/sng/vala/async", test_async);
    Test.add_func ("/sng/vala/signals", test_signals);
    Test.add_func ("/sng/vala/values", test_values);
    return Test.run ();
}
