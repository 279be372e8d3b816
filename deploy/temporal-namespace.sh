#!/bin/sh
# Makes Temporal's namespace and the search attributes that Afterword writes; again and again without harm.
# Needs TEMPORAL_ADDRESS; TEMPORAL_NAMESPACE is "default" and TEMPORAL_RETENTION "7d" unless set.
set -eu
: "${TEMPORAL_ADDRESS:?}"
namespace=${TEMPORAL_NAMESPACE:-default}

temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$namespace" --retention "${TEMPORAL_RETENTION:-7d}"

# The server knows a new namespace only after a while.
for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
  known=$(temporal operator search-attribute list --namespace "$namespace" 2>/dev/null) && break
  [ "$try" -lt 12 ] || { echo "the namespace $namespace does not answer" >&2; exit 1; }
  sleep 5
done

for name in AfterwordOrganization AfterwordEventType AfterwordConversation AfterwordStatus; do
  case $known in
    *"$name"*) ;;
    *) temporal operator search-attribute create --namespace "$namespace" --type Keyword --name "$name" ;;
  esac
done
echo "the namespace $namespace is ready"
