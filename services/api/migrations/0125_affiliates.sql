-- Affiliates, and what they have earned. Of those whom they referred there is an id until it is qualified, and nothing else. Owner: services/api, role sealpost_api.

create table api.affiliate (
  id uuid primary key,
  -- What the operator calls them. Removed with the row.
  label text not null check (length(label) between 1 and 100),
  -- In the link; random.
  code text not null unique check (code ~ '^[A-Za-z0-9_-]{16}$'),
  -- For each referral that qualifies, in cents (CAD).
  commission_cents integer not null check (commission_cents between 1 and 10000000),
  -- No new referrals.
  closed boolean not null default false,
  created_on date not null
);

-- Somebody who came by a link. The id goes with the account, and as soon as nothing depends on it any more: 180 days after the qualification.
create table api.referral (
  id uuid primary key,
  affiliate_id uuid not null references api.affiliate (id),
  -- Who signed up: an organisation or an account.
  subject_id uuid unique,
  signed_up_on date not null,
  -- Days on which the subject was active, up to 90; and the last day that was counted.
  active_days smallint not null default 0,
  counted_on date not null,
  qualified_on date,
  reversed_on date check (reversed_on is null or qualified_on is not null)
);
create index referral_open on api.referral (counted_on) where qualified_on is null;
create index referral_affiliate on api.referral (affiliate_id);

-- What was earned in a month, and what became of it. Kept as long as the affiliate: it is their account.
create table api.affiliate_statement (
  affiliate_id uuid not null references api.affiliate (id),
  -- Its first day.
  month date not null check (extract(day from month) = 1),
  -- Earned less reversed in that month; may be below zero.
  cents bigint not null,
  -- Together with what was carried over: zero where all of it is paid.
  payable_cents bigint not null check (payable_cents >= 0),
  carried_cents bigint not null,
  issued_on date not null,
  primary key (affiliate_id, month)
);
