// SPDX-FileCopyrightText: 2026 The libsng contributors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Trains a small ESM-2 model on real proteins, without a stop and with one,
// and compares the two runs. As JavaScript: docs/examples/js/stop-and-go.js.

class Esm2Harness : Sng.Harness {
    public override Sng.Setup? setup_model (Sng.Mode mode) throws Error {
        var config = new Sng.TransformerConfig (Sng.Architecture.ESM2, 2, 32, 4);
        config.max_length = 64;
        var model = new Sng.Transformer (config);
        var data = new Sng.FastaDataModule ();
        var optimizer = new Sng.Adamw (model.get_parameters (), 1e-3, 0.01);
        var scheduler = new Sng.CosineLr (1e-3, 1e-5, 2, 10);
        return new Sng.Setup (model, data, optimizer, scheduler);
    }
}

async Sng.Verdict check () throws Error {
    var harness = new Esm2Harness () {
        num_steps = 10,
        stop_step = 5
    };
    harness.mode_started.connect ((mode) => print ("%s …\n", mode.to_string ()));
    harness.divergence.connect ((divergence) => print ("%s\n", divergence.to_string ()));

    // Starts this program again for each mode; only the first process gets past this line. The main loop runs meanwhile.
    var report = yield harness.run_stop_and_go_async ();

    var metrics = report.get_metrics ();
    for (var i = 0; i < metrics.get_n_items (); i++) {
        var metric = (Sng.MetricResult) metrics.get_item (i);
        print ("%-20s %5s %s\n", metric.name, metric.compared.to_string (), metric.verdict.to_string ());
    }
    print ("%s\n", report.get_summary ());
    return report.get_verdict ();
}

int main () {
    Intl.setlocale ();
    var loop = new MainLoop ();
    var status = 1;
    check.begin ((object, result) => {
        try {
            status = check.end (result) == Sng.Verdict.PASS ? 0 : 1;
        } catch (Error error) {
            printerr ("%s\n", error.message);
        }
        loop.quit ();
    });
    loop.run ();
    return status;
}
