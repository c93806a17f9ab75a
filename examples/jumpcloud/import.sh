#!/usr/bin/env bash
# Sends a JSON array of people to the JumpCloud API as one job, waits for its end, and prints what became of each row. Ends with 3 when rows failed.
#
#   MUSTER_KEY=$(cat muster-data/admin.key) examples/jumpcloud/import.sh examples/jumpcloud/people.json
#
# The file is created as new users; with -X PATCH before its name it updates the users whose ids it has. Any other arguments of curl may stand there too.
set -euo pipefail
: "${MUSTER_URL:=http://127.0.0.1:8080}" "${MUSTER_KEY:?is an API key}"
options=("${@:1:$#-1}")
file=${!#}
api() { curl -sS --fail-with-body -H "x-api-key: $MUSTER_KEY" "$@"; }

# Sent twice within a day, the same file is still one job.
job=$(api "$MUSTER_URL/api/v2/bulk/users" "${options[@]}" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: $(sha256sum <"$file" | cut -c1-64)" --data-binary @"$file" | jq -r .jobId)
echo "job $job"

until api "$MUSTER_URL/api/v2/jobs/$job" | jq -e '.status == "finished" or .status == "failed"' >/dev/null; do sleep 1; done
api "$MUSTER_URL/api/v2/jobs/$job" | jq -c '{status, rows: .workUnitsCount} + (.meta | {succeeded, failed, warnings})'

# Pages of 100 rows, in the order of the file, until there are no more.
failed=0
for ((skip = 0; ; skip += 100)); do
  page=$(api "$MUSTER_URL/api/v2/jobs/$job/results?limit=100&skip=$skip")
  jq -r '.[].meta | [.index, .username // "-", .status, .systemuserId // "-", ([(.errors + .warnings)[] | .field + ": " + .message] | join(" "))] | @tsv' <<<"$page"
  failed=$((failed + $(jq '[.[] | select(.status == "failed")] | length' <<<"$page")))
  [ "$(jq length <<<"$page")" -eq 100 ] || break
done
[ "$failed" -eq 0 ] || exit 3
