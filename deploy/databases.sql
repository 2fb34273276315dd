-- Dagster's instance beside the database of the delivery's state: both have an alembic_version.
CREATE DATABASE dagster;
