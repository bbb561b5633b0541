#!/usr/bin/env bash
# Runs stage_1 to stage_4 one after another, each on what the one before left in outputs/.
#
#   stages/run-all.sh [override ...]        e.g. stages/run-all.sh seed=7 device=cpu
#
# Overrides go to every stage, so name only keys that all four have. Expects finished `prepare` and `pretrain` runs
# (./run prepare && ./run pretrain). `./run demo` does all of it, with a random control group, in one command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

./run stage_1 "$@"
./run stage_2 "$@"
./run stage_3 "$@"
./run stage_4 '+adapters.selected=${run:stage_3_finetune,adapter}' "$@"
