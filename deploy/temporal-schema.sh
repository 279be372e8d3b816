#!/bin/sh
# Makes Temporal's two databases or brings their schemas up to date; again and again without harm.
# Needs POSTGRES_HOST, POSTGRES_USER and SQL_PASSWORD; POSTGRES_PORT is 5432 unless set. Runs in temporalio/admin-tools.
set -eu
: "${POSTGRES_HOST:?}" "${POSTGRES_USER:?}" "${SQL_PASSWORD:?}"
schemas=${TEMPORAL_SCHEMAS:-/etc/temporal/schema/postgresql/v12}

for pair in temporal:temporal temporal_visibility:visibility; do
  database=${pair%%:*}
  sql() {
    temporal-sql-tool --plugin postgres12_pgx --ep "$POSTGRES_HOST" -p "${POSTGRES_PORT:-5432}" \
      -u "$POSTGRES_USER" --db "$database" "$@"
  }
  sql create
  # Writes version 0.0 where there is none; the update then applies what is newer than the version written.
  sql setup-schema -v 0.0 || echo "the schema of $database is there already"
  sql update-schema -d "$schemas/${pair#*:}/versioned"
done
