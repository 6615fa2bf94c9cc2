#!/usr/bin/env bash
# Submits a pipeline stage by stage, or a sweep budget by budget. DIR must be on storage that all nodes see.
#
#   submit.sh [--dry-run] stages PIPELINE.yaml DIR
#   submit.sh [--dry-run] sweep PIPELINE.yaml BUDGETS DIR
#
# --dry-run prints the jobs instead. RELINC is the program [relinc], DEVICE where it computes [auto].
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
relinc=${RELINC:-relinc}
dry=
if [ "${1:-}" = --dry-run ]; then
    dry=1
    shift
fi

# submit NAME OPTION… SCRIPT WORD…: prints the job's number; in a dry run, its name, and the command on stderr.
submit() {
    local name=$1
    shift
    if [ -n "$dry" ]; then
        echo "sbatch --parsable --job-name=$name $*" >&2
        echo "<$name>"
    else
        # A cluster's name may follow the number.
        sbatch --parsable --job-name="$name" "$@" | cut -d';' -f1
    fi
}

case "${1:-}" in
stages)
    pipeline=$2 out=$3 after=()
    for stage in $("$relinc" run "$pipeline" --list); do
        id=$(submit "$stage" ${after[@]+"${after[@]}"} "$here/stages.sbatch" "$pipeline" "$stage" "$out")
        after=(--dependency=afterok:"$id")
    done
    ;;
sweep)
    pipeline=$2 budgets=$3 out=$4
    n=$("$relinc" sweep "$pipeline" --budgets "$budgets" --list | wc -l)
    shared=$(submit shared "$here/sweep.sbatch" "$pipeline" "$budgets" "$out" shared)
    array=$(submit budgets --dependency=afterok:"$shared" --array=1-"$n" "$here/sweep.sbatch" "$pipeline" "$budgets" "$out")
    # afterany: a budget that cannot be met ends with 1, and the others are compared all the same.
    id=$(submit collect --dependency=afterany:"$array" "$here/collect.sbatch" "$pipeline" "$budgets" "$out")
    ;;
*)
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
[ -n "$dry" ] || echo "the last job is $id"
