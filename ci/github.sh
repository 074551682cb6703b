#!/usr/bin/env bash
# Scans in a GitHub workflow: annotates lines, writes the summary of the job and a SARIF file, and fails if something is found.
# What `action.yml` runs; a workflow with an installed sopup can run it as well. Read from the environment:
#   SOPUP            the program [sopup]
#   SOPUP_SCOPE      auto, changes or everything [auto]
#   SOPUP_PATH       the repository [.]
#   SOPUP_FAIL_ON    the least severity that fails [`fail_on` of .sopup.yaml, or low]
#   SOPUP_ARGUMENTS  more arguments for `sopup scan`
#   SOPUP_BEFORE     the commit before a push
set -euo pipefail
sopup=${SOPUP:-sopup}
sarif=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/sopup.sarif
none=0000000000000000000000000000000000000000

scope=()
case ${SOPUP_SCOPE:-auto}:${GITHUB_EVENT_NAME:-} in
  everything:*) ;;
  auto:pull_request | auto:pull_request_target | changes:pull_request | changes:pull_request_target | auto:merge_group | changes:merge_group)
    scope=(--merge-base "origin/${GITHUB_BASE_REF:?the branch that the pull request is for}") ;;
  auto:push | changes:push)
    if [ -z "${SOPUP_BEFORE:-}" ] || [ "$SOPUP_BEFORE" = "$none" ]; then
      : # a new branch
    elif git -C "${SOPUP_PATH:-.}" cat-file -e "$SOPUP_BEFORE^{commit}" 2>/dev/null; then
      scope=(--range "$SOPUP_BEFORE..${GITHUB_SHA:?the commit that was pushed}")
    else
      echo "::notice title=sopup::the commit before this push, $SOPUP_BEFORE, is not here, as after a forced push: everything is scanned"
    fi ;;
  auto:*) ;;
  changes:*)
    echo "::error title=sopup::'${GITHUB_EVENT_NAME:-}' adds no commits: use the scope 'auto' or 'everything'"
    exit 2 ;;
  *)
    echo "::error title=sopup::the scope '${SOPUP_SCOPE}' is none of auto, changes, everything"
    exit 2 ;;
esac

read -ra more <<<"${SOPUP_ARGUMENTS:-}"
reports=(--report "sarif=$sarif")
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || reports+=(--report "markdown=$GITHUB_STEP_SUMMARY")
status=0
"$sopup" scan "${scope[@]}" --format github "${reports[@]}" "${more[@]}" "${SOPUP_PATH:-.}" || status=$?
[ -z "${GITHUB_OUTPUT:-}" ] || [ ! -s "$sarif" ] || echo "sarif=$sarif" >>"$GITHUB_OUTPUT"
exit "$status"
