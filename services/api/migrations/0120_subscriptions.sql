-- Terms of organisations and accounts as the billing system says them: states and days, no amounts, no card data. Owner: services/api, role sealpost_api.

create table api.subscription (
  id uuid primary key,
  -- Whose it is: one of both, as long as it runs. Erased with the account; removed with the organisation.
  organisation_id uuid unique,
  account_id uuid unique,
  -- What the billing system calls it; nothing of a person.
  reference text check (length(reference) between 1 and 100),
  term_months smallint not null check (term_months between 1 and 120),
  -- The guarantee counts from here.
  started_on date not null,
  -- The next term begins; reminded of seven days before.
  renews_on date not null check (renews_on > started_on),
  fee text not null check (fee in ('none', 'due', 'overdue')),
  -- The day of suspension if the fee stays overdue.
  suspends_on date,
  -- refund-due: terminated within the guarantee, until the billing system says that it was refunded, 90 days at most; then the row goes.
  state text not null check (state in ('running', 'refund-due')),
  refund_since date,
  -- The days of which was reminded already, so that it is done once.
  reminded_renewal date,
  reminded_suspension date,
  check (num_nonnulls(organisation_id, account_id) <= 1),
  check (state <> 'running' or num_nonnulls(organisation_id, account_id) = 1),
  check ((suspends_on is null) = (fee <> 'overdue')),
  check ((refund_since is null) = (state = 'running'))
);
create index subscription_renewal on api.subscription (renews_on);
create index subscription_suspension on api.subscription (suspends_on) where suspends_on is not null;

-- Events of the billing system that were done, so that each is done once. Gone after a day: older ones are refused by their time.
create table api.billing_event (
  -- SHA-256 of the webhook-id.
  id_hash bytea primary key,
  done_at timestamptz not null
);
create index billing_event_time on api.billing_event (done_at);
