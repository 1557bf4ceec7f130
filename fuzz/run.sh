#!/usr/bin/env bash
# Runs fuzz targets, one after the other, and adds up how often: fuzz/run.sh [TARGET..], all if none is named.
#
# What is found to reach new code is kept in fuzz/found/TARGET, so that a later call goes on where this one ends; the
# number of executions of all calls together stands in fuzz/executions.tsv. A target ends after FUZZ_SECONDS (default
# 1200), or when it has had FUZZ_RUNS executions in all calls together (default 10,000,000). A fault ends the script with
# the input in fuzz/artifacts/TARGET.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-1200}
runs=${FUZZ_RUNS:-10000000}
table=fuzz/executions.tsv
[[ -f $table ]] || printf 'target\texecutions\tseconds\tdate\tcommit\n' >"$table"

targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || mapfile -t targets < <(basename -s .rs -a fuzz/fuzz_targets/*.rs)

# Temporary files go to memory, where there is such a folder, and are removed with their folder.
scratch=$(mktemp -d -p "$([[ -d /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$scratch"' EXIT
# The engine divides no work: a pool of threads would cost more than reading a small file does.
export RAYON_NUM_THREADS=1 TMPDIR=$scratch ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}

executions() { awk -F'\t' -v target="$1" '$1 == target { print $2 }' "$table"; }

# Adds to a target's line of the table, or makes it.
add() {
    awk -F'\t' -v OFS='\t' -v target="$1" -v more="$2" -v time="$3" -v now="$(date -u +%Y-%m-%d)" \
        -v commit="$(git rev-parse --short HEAD)" '
        $1 == target { $2 += more; $3 += time; $4 = now; $5 = commit; found = 1 }
        { print }
        END { if (!found) print target, more, time, now, commit }' "$table" >"$scratch/table"
    cp "$scratch/table" "$table"
}

for target in "${targets[@]}"; do
    had=$(executions "$target")
    left=$((runs - ${had:-0}))
    if ((left <= 0)); then
        echo "$target: has had its $runs executions"
        continue
    fi
    case $target in
    keras_hdf5 | keras_archive) golden=(tests/golden/keras_files) ;;
    *) golden=() ;;
    esac
    # What fer and nn-lab read takes long to build; the others do without them.
    features=(--no-default-features)
    grep -A1 "fuzz_targets/$target.rs" fuzz/Cargo.toml | grep -q programs && features=()
    length=$([[ $target == sqlite ]] && echo 131072 || echo 65536)
    mkdir -p "fuzz/found/$target"
    log=$scratch/$target.log
    cargo +nightly fuzz build "${features[@]}" "$target" >"$log" 2>&1 || { tail -30 "$log" && exit 1; }
    start=$SECONDS
    ended=0
    cargo +nightly fuzz run "${features[@]}" "$target" "fuzz/found/$target" "fuzz/corpus/$target" "${golden[@]}" -- \
        -max_total_time="$seconds" -runs="$left" -max_len="$length" -timeout=20 -rss_limit_mb=2048 \
        -malloc_limit_mb=512 -print_final_stats=1 >"$log" 2>&1 || ended=$?
    # The final statistics come also after a fault.
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
    if [[ -z $executed ]]; then
        tail -30 "$log"
        echo "$target: did not run" >&2
        exit 1
    fi
    add "$target" "$executed" $((SECONDS - start))
    echo "$target: $executed executions in $((SECONDS - start)) s, $(executions "$target") in all"
    if [[ $ended != 0 ]]; then
        grep -vE '^#[0-9]' "$log" | tail -40
        exit 1
    fi
done
