# Completion of the sng command for fish
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later

# Whether the first argument is one of these commands.
function __sng_using
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv; and not contains -- -- $words
end

# The command that "sng check" runs, which begins behind "--".
function __sng_complete_command
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words); or return
    complete -C (string join ' ' -- (string escape -- $words[(math $at + 1)..-1]) (commandline -ct))
end

function __sng_in_command
    contains -- -- (commandline -opc)
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
    set -l words (commandline -opc)
    if string match -qr '@[^,]*$' -- $plan
        test $words[2] = check; and return
        set -l before (string replace -r '@[^,@]*$' '@' -- $plan)
        printf "$before%s\n" step-start forward backward optimizer scheduler step-finished validation save
    else if string match -qr '(^|,)\d+:[^,]*$' -- $plan
        set -l before (string replace -r ':[^,:]*$' ':' -- $plan)
        printf "$before%s\n" raise preempt preempt=usr1 kill
        test $words[2] = check; or printf "$before%s\n" kill-in-save=
    else
        printf '%s\n' boundaries default every random:
    end
end

complete -c sng -f
complete -c sng -n __sng_needs_command -a check -d 'run, stop and resume a training of yours, and compare'
complete -c sng -n __sng_needs_command -a demo -d 'train, stop, resume and compare a small model on real data'
complete -c sng -n __sng_needs_command -a diff -d 'tell where two runs, checkpoints or .safetensors files first differ'
complete -c sng -n __sng_needs_command -a faults -d 'list what can go wrong with a resume, and be planted'
complete -c sng -n __sng_needs_command -a show -d 'print what a run, a checkpoint or a .safetensors file holds'
complete -c sng -n __sng_needs_command -a verify -d 'tell whether checkpoints and runs are damaged'
complete -c sng -n __sng_needs_command -l version -d 'show the version'
complete -c sng -n __sng_in_command -a '(__sng_complete_command)'
complete -c sng -n 'not __sng_in_command' -s h -l help -d 'show help'

complete -c sng -n '__sng_using diff show verify' -F

complete -c sng -n '__sng_using check' -l checkpoint-dir -x -a '(__fish_complete_directories)' -d 'where COMMAND always writes'
complete -c sng -n '__sng_using check' -l stop-command -x -d 'what is run to be stopped'
complete -c sng -n '__sng_using check' -l resume-command -x -d 'what is run to resume'
complete -c sng -n '__sng_using check' -l compare -rF -d 'compare these result files as well'
complete -c sng -n '__sng_using check' -l kill-file-ops -x -a '(__fish_complete_directories)' -d 'kill it before each file operation'
complete -c sng -n '__sng_using check' -l kill-every -x -d 'only before one in so many of these'
complete -c sng -n '__sng_using check' -l timeout -x -d 'how many seconds each run may take'

complete -c sng -n '__sng_using demo' -l fasta -rF -d 'train an ESM-2 on these proteins'
complete -c sng -n '__sng_using demo' -l text -rF -d 'train a GPT on the bytes of this text'
complete -c sng -n '__sng_using demo' -l optimizer -x -a 'adamw sgd' -d 'what updates the weights'
complete -c sng -n '__sng_using demo' -l precision -x -a '32 bf16-mixed 16-mixed' -d 'what the model computes in'
complete -c sng -n '__sng_using demo' -l ema -x -d 'average the weights with this decay'
complete -c sng -n '__sng_using check demo' -l steps -x -d 'how many steps the training has'
complete -c sng -n '__sng_using check demo' -l stop-at -x -d 'the step after which it is stopped'
complete -c sng -n '__sng_using check demo' -l stops -x -a '(__sng_stops)' -d 'any number of stops'
complete -c sng -n '__sng_using check demo' -l every-step -d 'stop after every step'
complete -c sng -n '__sng_using demo' -l horizon -x -d 'how many steps are made after each stop'
complete -c sng -n '__sng_using demo' -l fault -x -a '(__sng_fault_ids)' -d 'plant a fault in the resume'
complete -c sng -n '__sng_using demo' -l faults -d 'plant every fault'
complete -c sng -n '__sng_using demo' -l accumulation -x -d 'compare plans of micro-batches'
complete -c sng -n '__sng_using demo' -l jobs -x -d 'how many runs go side by side'
complete -c sng -n '__sng_using demo' -l stress -x -a '(__fish_append , threads jitter slow-disk)' -d 'make it harder to resume'
complete -c sng -n '__sng_using demo' -l seed -x -d 'the seed of everything random'
complete -c sng -n '__sng_using demo' -l threads -x -d 'how many threads compute'
complete -c sng -n '__sng_using demo' -l device -x -a 'cpu cuda' -d 'what computes'
complete -c sng -n '__sng_using demo' -l resume-device -x -a 'cpu cuda' -d 'what computes after the stop'
complete -c sng -n '__sng_using check demo' -l output -x -a '(__fish_complete_directories)' -d 'keep the runs in this directory'
complete -c sng -n '__sng_using check demo faults' -l json -d 'print as JSON'
complete -c sng -n '__sng_using check demo' -l tap -d 'print only the report, as TAP'
complete -c sng -n '__sng_using check demo' -l html -rF -d 'write the report as a page for a browser'
complete -c sng -n '__sng_using check demo' -l junit -rF -d 'write the report as JUnit XML'
complete -c sng -n '__sng_using check demo' -l repeat -d 'train twice without a stop'
complete -c sng -n '__sng_using check demo' -l tolerance -x -a noise -d 'what a resumed training may differ by'

complete -c sng -n '__sng_using verify' -s q -l quiet -d 'print only what is damaged'
