#!/bin/sh
# The databases of Temporal's server: makes them, or brings them to the version of these tools. Runs before each start.
set -eu
for name in temporal temporal_visibility; do
  case $name in
    temporal) schema=temporal ;;
    *) schema=visibility ;;
  esac
  sql() { temporal-sql-tool --plugin postgres12 --endpoint postgres --port 5432 --user temporal --database "$name" "$@"; }
  sql create
  sql setup-schema --version 0.0
  sql update-schema --schema-name "postgresql/v12/$schema"
done
