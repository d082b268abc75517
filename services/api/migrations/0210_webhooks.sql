-- Outgoing webhooks. Owner: services/api, role sealpost_api. Their secrets are not here: they are made from a key outside Postgres, the id and the version.

-- Where events are sent. Rows go when an administrator removes the endpoint.
create table api.webhook_endpoint (
  id uuid primary key,
  -- https only; shown to administrators.
  url text not null check (length(url) between 1 and 2048),
  -- For whoever administers it.
  label text not null check (length(label) <= 64),
  -- Names of events, `account.*` for all of a kind, `*` for all.
  events text[] not null,
  -- Which secret signs: one more with each change.
  secret_version int not null,
  -- Until then the secret before signs too, so that the receiver can change over.
  previous_until timestamptz,
  -- disabled: gets nothing, until an administrator enables it.
  state text not null check (state in ('active', 'disabled')),
  -- Why it is disabled: operator, failing, gone, overrun.
  disabled_reason text,
  created_on date not null,
  -- Shown, so that a forgotten endpoint is noticed.
  delivered_on date,
  -- The first failure since the last success: what fails for long is disabled.
  failing_since timestamptz,
  check ((state = 'disabled') = (disabled_reason is not null))
);

-- What happened. A row goes with its last delivery: at once when all have taken it, after thirty days at the latest.
create table api.webhook_event (
  -- Sent as webhook-id: a receiver knows by it what it has seen already.
  id uuid primary key,
  type text collate "C" not null,
  -- JSON: ids and codes, never an address or name of a person.
  data text not null check (length(data) <= 16384),
  -- Sent as the time of the event.
  created_at timestamptz not null,
  -- Whose account it is about, so that erasing the account erases it; null: nobody's.
  account_id uuid
);
create index webhook_event_account on api.webhook_event (account_id);

-- One event for one endpoint. Erased as soon as the endpoint has taken it; dead ones after thirty days.
create table api.webhook_delivery (
  id uuid primary key,
  event_id uuid not null references api.webhook_event (id) on delete cascade,
  endpoint_id uuid not null references api.webhook_endpoint (id) on delete cascade,
  -- dead: given up, until an administrator has it sent again.
  state text not null check (state in ('waiting', 'dead')),
  attempts int not null,
  -- When it is tried next; while it is tried, when whoever tries it has died. Of a dead one, when it was given up.
  next_at timestamptz not null,
  -- What became of the last attempt: a word of ours or the status, never what the receiver said.
  outcome text check (length(outcome) <= 40),
  unique (event_id, endpoint_id)
);
create index webhook_delivery_due on api.webhook_delivery (endpoint_id, next_at) where state = 'waiting';
create index webhook_delivery_dead on api.webhook_delivery (next_at) where state = 'dead';
