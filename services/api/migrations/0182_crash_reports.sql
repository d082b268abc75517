-- Crash reports of clients, sent voluntarily. Owner: services/api, role sealpost_api. Nothing in them says whose client it was: what identifies
-- somebody is taken out before anything is written, and a row has a day instead of a time.

-- One row for each kind of crash and day. Rows go after 30 days.
create table api.crash_count (
  -- First 16 bytes of SHA-256 of what kind of crash it is: exception and places in the program, without numbers.
  signature bytea not null,
  -- Day (UTC) of the reports.
  day date not null,
  -- Name and version of the program, and what it runs on: words of its maker's.
  application text not null,
  version text not null,
  platform text not null,
  -- The first line of the scrubbed trace, for the listing.
  title text not null,
  -- How many came that day.
  count integer not null,
  primary key (signature, day, application, version, platform)
);
create index crash_count_day on api.crash_count (day);

-- Some whole reports of each kind, scrubbed. Rows go after 30 days, or when the kind has newer ones.
create table api.crash_trace (
  -- Orders the reports of a kind.
  id bigint generated always as identity primary key,
  signature bytea not null,
  day date not null,
  application text not null,
  version text not null,
  platform text not null,
  trace text not null
);
create index crash_trace_signature on api.crash_trace (signature, id);
create index crash_trace_day on api.crash_trace (day);
