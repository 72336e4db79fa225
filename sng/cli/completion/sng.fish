# Completion of the sng command for fish
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later

# Whether the first argument is one of these commands.
function __sng_using
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __sng_needs_command
    test (count (commandline -opc)) -eq 1
end

function __sng_fault_ids
    set -l words (commandline -opc)
    $words[1] faults 2>/dev/null | string match -rv '^ ' | string replace -r '^(\S+) +(.*)$' '$1\t$2' | string replace -r ':STATE\t' ':\t'
end

# The stops of a plan that has begun: its step is the user's, then kinds and places.
function __sng_stops
    set -l plan (commandline -ct | string replace -r '^--stops=' '')
    if string match -qr '@[^,]*$' -- $plan
        set -l before (string replace -r '@[^,@]*$' '@' -- $plan)
        printf "$before%s\n" step-start forward backward optimizer scheduler step-finished validation save
    else if string match -qr '(^|,)\d+:[^,]*$' -- $plan
        set -l before (string replace -r ':[^,:]*$' ':' -- $plan)
        printf "$before%s\n" raise preempt preempt=usr1 kill kill-in-save=
    else
        printf '%s\n' boundaries default random:
    end
end

complete -c sng -f
complete -c sng -n __sng_needs_command -a demo -d 'train, stop, resume and compare a small model on real data'
complete -c sng -n __sng_needs_command -a diff -d 'tell where two runs, checkpoints or .safetensors files first differ'
complete -c sng -n __sng_needs_command -a faults -d 'list what can go wrong with a resume, and be planted'
complete -c sng -n __sng_needs_command -a show -d 'print what a run, a checkpoint or a .safetensors file holds'
complete -c sng -n __sng_needs_command -a verify -d 'tell whether checkpoints and runs are damaged'
complete -c sng -n __sng_needs_command -l version -d 'show the version'
complete -c sng -s h -l help -d 'show help'

complete -c sng -n '__sng_using diff show verify' -F

complete -c sng -n '__sng_using demo' -l fasta -rF -d 'train an ESM-2 on these proteins'
complete -c sng -n '__sng_using demo' -l text -rF -d 'train a GPT on the bytes of this text'
complete -c sng -n '__sng_using demo' -l optimizer -x -a 'adamw sgd' -d 'what updates the weights'
complete -c sng -n '__sng_using demo' -l precision -x -a '32 bf16-mixed 16-mixed' -d 'what the model computes in'
complete -c sng -n '__sng_using demo' -l ema -x -d 'average the weights with this decay'
complete -c sng -n '__sng_using demo' -l steps -x -d 'how many steps the training has'
complete -c sng -n '__sng_using demo' -l stop-at -x -d 'the step after which it is stopped'
complete -c sng -n '__sng_using demo' -l stops -x -a '(__sng_stops)' -d 'any number of stops'
complete -c sng -n '__sng_using demo' -l every-step -d 'stop after every step'
complete -c sng -n '__sng_using demo' -l horizon -x -d 'how many steps are made after each stop'
complete -c sng -n '__sng_using demo' -l fault -x -a '(__sng_fault_ids)' -d 'plant a fault in the resume'
complete -c sng -n '__sng_using demo' -l faults -d 'plant every fault'
complete -c sng -n '__sng_using demo' -l accumulation -x -d 'compare plans of micro-batches'
complete -c sng -n '__sng_using demo' -l jobs -x -d 'how many runs go side by side'
complete -c sng -n '__sng_using demo' -l stress -x -a '(__fish_append , threads jitter slow-disk)' -d 'make it harder to resume'
complete -c sng -n '__sng_using demo' -l seed -x -d 'the seed of everything random'
complete -c sng -n '__sng_using demo' -l threads -x -d 'how many threads compute'
complete -c sng -n '__sng_using demo' -l output -x -a '(__fish_complete_directories)' -d 'keep the runs in this directory'
complete -c sng -n '__sng_using demo faults' -l json -d 'print as JSON'
complete -c sng -n '__sng_using demo' -l tap -d 'print only the report, as TAP'
complete -c sng -n '__sng_using demo' -l html -rF -d 'write the report as a page for a browser'
complete -c sng -n '__sng_using demo' -l junit -rF -d 'write the report as JUnit XML'
complete -c sng -n '__sng_using demo' -l repeat -d 'train twice without a stop'
complete -c sng -n '__sng_using demo' -l tolerance -x -a noise -d 'what a resumed training may differ by'

complete -c sng -n '__sng_using verify' -s q -l quiet -d 'print only what is damaged'
