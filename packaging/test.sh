#!/bin/sh
# Runs the tests: two processes at once, then one after another those that want the machine alone.
# Arguments go on to pytest, in both rounds.
#
# Exit code: 0 all passed, 5 nothing was chosen, else that of the first round that failed.
set -u
pytest=.venv/bin/pytest
QT_QPA_PLATFORM=${QT_QPA_PLATFORM:-offscreen}
export QT_QPA_PLATFORM

"$pytest" -n 2 --dist loadfile -m "not soak and not alone" "$@"
together=$?
# 1: some tests failed; 5: none was chosen. All else (Ctrl+C, wrong usage) ends it here.
case $together in 0 | 1 | 5) ;; *) exit "$together" ;; esac

"$pytest" -m "alone and not soak" "$@"
alone=$?
case $alone in
    0) if [ "$together" = 5 ]; then exit 0; fi ;;
    5) ;;
    *) if [ "$together" != 1 ]; then exit "$alone"; fi ;;
esac
exit "$together"
