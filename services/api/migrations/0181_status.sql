-- Public status, availability and what is owed for its lack. Owner: services/api, role sealpost_api. Nothing here is about a person but claims.

-- What probes found, a row for each component and minute. A minute without a row is one in which nobody could probe: lost, once there was a
-- first. Rows go after 93 days, when status_day has them.
create table api.status_minute (
  -- chat, voice, mail, keys or api.
  component text not null,
  -- Minutes since the epoch.
  minute integer not null,
  -- Whether the component served. False once any probe of that minute failed.
  good boolean not null,
  primary key (component, minute)
);

-- The same by day (UTC), from the end of each day on: bars of the status page, and sums of months. Rows go after three years, the longest time
-- in which somebody may ask what was promised and kept.
create table api.status_day (
  component text not null,
  day date not null,
  -- Minutes in which it served.
  good integer not null,
  -- Minutes in which it did not, or in which nobody could probe.
  lost integer not null,
  -- Of those the ones that count against the agreement.
  counted integer not null,
  primary key (component, day)
);

-- Maintenance that was announced two days before at least. Rows go three years after their end: they explain what did not count.
create table api.status_maintenance (
  id uuid primary key,
  -- Which components it may interrupt.
  components text[] not null,
  -- For the status page and the notices.
  summary text not null,
  announced_at timestamptz not null,
  begins_at timestamptz not null,
  -- Moved forward when it is over before.
  ends_at timestamptz not null,
  -- When it was called off, if it was: then it excuses nothing.
  cancelled_at timestamptz
);
create index status_maintenance_time on api.status_maintenance (begins_at);

-- What went wrong, as it is told to the public. Rows go three years after their end.
create table api.status_incident (
  id uuid primary key,
  components text[] not null,
  severity text not null check (severity in ('minor', 'major', 'critical')),
  title text not null,
  began_at timestamptz not null,
  -- Null while it lasts.
  ended_at timestamptz,
  -- The report that is due fifteen days after the end; null until then.
  report text,
  reported_at timestamptz
);
create index status_incident_time on api.status_incident (began_at, id);

-- What was said of it meanwhile. Rows go with their incident.
create table api.status_incident_update (
  incident_id uuid not null references api.status_incident on delete cascade,
  -- Position in the incident, from 1.
  position integer not null,
  at timestamptz not null,
  text text not null,
  primary key (incident_id, position)
);

-- Claims of credit for a month. Rows go with their account, or three years after they were decided.
create table api.credit_claim (
  id uuid primary key,
  -- Who claims: an account or an organisation, by id.
  subject_kind text not null check (subject_kind in ('account', 'organisation')),
  subject_id uuid not null,
  -- YYYY-MM.
  month text not null,
  -- What failed: decides which of the agreement's credits it is about.
  component text not null,
  -- Days, since nothing finer is needed.
  filed_on date not null,
  state text not null check (state in ('open', 'granted', 'refused')),
  decided_on date,
  -- In tenths of a percent of the month's fee; null until it is granted.
  credit_permille integer,
  unique (subject_id, month, component)
);
create index credit_claim_order on api.credit_claim (filed_on, id);
