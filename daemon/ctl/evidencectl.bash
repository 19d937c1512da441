# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of evidencectl for bash. Commands and options come from --help, deadlines from the daemon: no list to keep.

_evidencectl() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' word i
        COMPREPLY=()
        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                case $word in
                --socket | --config) ((i++)) ;;
                -*) ;;
                *) command=$word && break ;;
                esac
        done
        case $prev in
        --config | --output | --socket)
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                return
                ;;
        --state)
                mapfile -t COMPREPLY < <(compgen -W 'unknown complete late waived explained snoozed overdue partial open planned' -- "$cur")
                return
                ;;
        esac
        if [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$(evidencectl $command --help 2>/dev/null | grep -oE -e '--[a-z-]+' | sort -u)" -- "$cur")
                return
        fi
        case $command in
        '') mapfile -t COMPREPLY < <(compgen -W "$(evidencectl --help 2>/dev/null | sed -nE 's/^  ([a-z][a-z-]*).*/\1/p')" -- "$cur") ;;
        show | explain | preview | waive | snooze | extend | reopen)
                mapfile -t COMPREPLY < <(compgen -W "$(evidencectl list 2>/dev/null | sed -nE '2,$s/^([^ ]+@[^ ]+) .*/\1/p')" -- "$cur")
                ;;
        queue) mapfile -t COMPREPLY < <(compgen -W 'retry drop hold' -- "$cur") ;;
        import | init) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        esac
}
# '@' is in COMP_WORDBREAKS, and a deadline's name has one: complete the whole word.
COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}
complete -F _evidencectl evidencectl
