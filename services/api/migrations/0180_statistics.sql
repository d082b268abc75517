-- Aggregate statistics: how much of what, never who. Owner: services/api, role sealpost_api.

-- One row for each series and hour, and for each series and day. Rows of hours go after 31 days, rows of days after two years.
create table api.statistics (
  -- How long a time the row is about; two lengths are kept, so that no job has to make days of hours.
  step text not null check (step in ('hour', 'day')),
  -- A name of services/api/src/statistics/series.ts: what was counted. Never anything about one person.
  name text not null,
  -- Of a duration: the bucket's upper bound in seconds as the metrics write it, so that percentiles can be told of any span; else empty.
  bucket text not null,
  -- When the hour or day (UTC) began.
  at timestamptz not null,
  -- Of what was read in that time: for a mean, or a total.
  sum double precision not null,
  -- How many readings: for a mean.
  samples integer not null,
  -- The highest reading: shows what a mean hides.
  max double precision not null,
  primary key (step, name, bucket, at)
);
create index statistics_age on api.statistics (step, at);
