# Completion of the sng command for bash                       -*- shell-script -*-
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# It needs nothing but bash: "source" it, or let bash-completion find it.

# The options of a command. One with "=" takes a value.
_sng_options ()
{
  case $1 in
    check)
      echo "--steps= --stop-at= --stops= --every-step --checkpoint-dir= --stop-command= --resume-command= --compare= --timeout= --kill-file-ops= --kill-every="
      echo "--repeat --tolerance= --output= --json --tap --html= --junit= --help"
      ;;
    demo)
      echo "--fasta= --text= --optimizer= --precision= --ema= --steps= --stop-at= --stops= --every-step --horizon= --fault= --faults"
      echo "--accumulation= --jobs= --stress= --seed= --threads= --device= --resume-device= --output= --json --tap --html= --junit= --repeat --tolerance= --help"
      ;;
    faults) echo "--json --help" ;;
    verify) echo "--quiet --help" ;;
    diff | show) echo "--help" ;;
  esac
}

# The values of an option, as far as they are words; those that a comma may
# follow have one at their end.
_sng_values ()
{
  case $1 in
    --optimizer) echo "adamw sgd" ;;
    --device | --resume-device) echo "cpu cuda" ;;
    --precision) echo "32 bf16-mixed 16-mixed" ;;
    --stress) echo "threads, jitter, slow-disk," ;;
    --tolerance) echo "noise" ;;
    --stops) echo "boundaries default every random:" ;;
    --fault) "$2" faults 2>/dev/null | sed -n 's/^\([^ ]*\) .*/\1/p' | sed 's/:STATE$/:/' ;;
  esac
}

# What may stand behind STEP: of a stop; a command is stopped at the end of a
# step, and in no save.
_sng_stop_kinds ()
{
  echo "raise preempt preempt=usr1 kill"
  [[ ${COMP_WORDS[1]} == check ]] || echo "kill-in-save="
}

_sng_stop_places ()
{
  echo "step-start forward backward optimizer scheduler step-finished validation save"
}

# _sng_reply WORDS VALUE BEFORE: offers the words that go on from VALUE, and
# stand behind BEFORE. What readline takes for a word of its own begins behind
# "=" or ":", and at "@", if COMP_WORDBREAKS has them.
_sng_reply ()
{
  local word break before=$3
  for break in = :
  do
    [[ $COMP_WORDBREAKS != *"$break"* ]] || before=${before##*"$break"}
  done
  [[ $COMP_WORDBREAKS != *@* || $before != *@* ]] || before=@${before##*@}
  while IFS= read -r word
  do
    [[ $word != *[,:=] ]] || compopt -o nospace
    COMPREPLY+=("$before${word%,}")
  done < <(compgen -W "$1" -- "$2")
}

# One of a list with commas: those that are there already are not offered.
_sng_reply_list ()
{
  local given=${2%"${2##*,}"} word words=""
  for word in $1
  do
    [[ ,$given == *",$word"* ]] || words+=" $word"
  done
  _sng_reply "$words" "${2##*,}" "$3$given"
}

# The last stop of a plan: its step is the user's, then kinds and places.
_sng_reply_stops ()
{
  local stop=${1##*,}
  case $stop in
    *@*) [[ ${COMP_WORDS[1]} == check ]] || _sng_reply "$(_sng_stop_places)" "${stop##*@}" "$2${1%"${1##*@}"}" ;;
    random:*) ;;
    *:*) _sng_reply "$(_sng_stop_kinds)" "${stop#*:}" "$2${1%"${stop#*:}"}" ;;
    *) [[ $1 == *,* ]] || _sng_reply "$(_sng_values --stops)" "$1" "$2" ;;
  esac
}

_sng_files ()
{
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

# _sng_value SNG OPTION VALUE BEFORE
_sng_value ()
{
  local file=$3
  # readline has a word of its own behind "=", if that breaks words.
  [[ -z $4 || $COMP_WORDBREAKS == *=* ]] || file=$4$3
  case $2 in
    --fasta | --text | --html | --junit | --compare) _sng_files -f "$file" ;;
    --output | --checkpoint-dir | --kill-file-ops) _sng_files -d "$file" ;;
    --stops) _sng_reply_stops "$3" "$4" ;;
    --stress) _sng_reply_list "$(_sng_values "$2")" "$3" "$4" ;;
    *) _sng_reply "$(_sng_values "$2" "$1")" "$3" "$4" ;;
  esac
}

# The command that "sng check" runs, which begins behind "--": with
# bash-completion its own completion, and otherwise programs and files.
_sng_command ()
{
  if declare -F _command_offset >/dev/null
  then
    _command_offset "$1"
  elif (( COMP_CWORD == $1 ))
  then
    _sng_files -c "${COMP_WORDS[COMP_CWORD]}"
  else
    _sng_files -f "${COMP_WORDS[COMP_CWORD]}"
  fi
}

_sng ()
{
  local i
  for (( i = 2; i < COMP_CWORD; i++ ))
  do
    if [[ ${COMP_WORDS[1]} == check && ${COMP_WORDS[i]} == -- ]]
    then
      COMPREPLY=()
      _sng_command $(( i + 1 ))
      return
    fi
  done

  local line=${COMP_LINE:0:COMP_POINT}
  local current=${line##*[[:space:]]} previous command=${COMP_WORDS[1]}
  read -ra previous <<< "${line%"$current"}"
  previous=${previous[${#previous[@]} - 1]}
  COMPREPLY=()

  if (( COMP_CWORD == 1 ))
  then
    _sng_reply "check demo diff faults show verify --help --version" "$current" ""
  elif [[ $current == --*=* ]]
  then
    _sng_value "${COMP_WORDS[0]}" "${current%%=*}" "${current#*=}" "${current%%=*}="
  elif [[ $previous == --* && " $(_sng_options "$command" | tr '\n' ' ')" == *" $previous= "* ]]
  then
    _sng_value "${COMP_WORDS[0]}" "$previous" "$current" ""
  elif [[ $current == -* ]]
  then
    _sng_reply "$(_sng_options "$command")" "$current" ""
  elif [[ $command == diff || $command == show || $command == verify ]]
  then
    _sng_files -f "${COMP_WORDS[COMP_CWORD]}"
  fi
}

complete -F _sng sng
