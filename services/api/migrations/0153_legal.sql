-- Requests of authorities. Owner: services/api. Deleted two years after they were closed. When the account is erased, its name and id are taken out.
create table api.legal_request (
  -- Random.
  id uuid primary key,
  state text not null check (state in ('received', 'refused', 'reviewed', 'approved', 'produced')),
  kind text not null check (kind in ('subpoena', 'court-order', 'warrant', 'treaty-request', 'emergency', 'other')),
  authority text not null check (length(authority) between 1 and 200),
  -- Mail address of the officer at the authority.
  official_address text check (length(official_address) <= 320),
  letterhead boolean not null,
  -- Bare address of the account as the request names it. Null when it names none, and once the account is erased.
  username text collate "C" check (length(username) <= 3071),
  -- Its id, if there was such an account when the request was recorded. Null once it is erased.
  account_id uuid,
  -- What is sought, as far as it is something that exists here.
  sought text[] not null,
  -- What is sought besides, in the words of the request.
  sought_otherwise text check (length(sought_otherwise) <= 1000),
  -- A type of device that the request names, to be confirmed or denied.
  device_type text check (length(device_type) <= 200),
  legal_basis text not null check (length(legal_basis) between 1 and 1000),
  received_how text not null check (received_how in ('post', 'courier', 'in-person', 'portal', 'email')),
  received_on date not null,
  -- The user must not be told until the end of this day; null: nothing forbids it.
  gag_until date,
  -- Why it was refused: codes.
  refused_because text[] not null default '{}',
  -- The day of the refusal or production.
  closed_on date,
  -- The day on which the user was told.
  notified_on date,
  check ((state in ('refused', 'produced')) = (closed_on is not null))
);
create index legal_request_received on api.legal_request (received_on, id);
create index legal_request_account on api.legal_request (account_id) where account_id is not null;

-- What was handed out, word by word, so that it can be fetched again. Deleted after thirty days, and with the account.
create table api.legal_production (
  request_id uuid primary key references api.legal_request (id) on delete cascade,
  -- JSON, signed.
  document text not null,
  produced_on date not null
);

-- The reports as they were published: counts in ranges, of half a year each. Public, of nobody; never changed or deleted.
create table api.transparency_report (
  -- First day of the half year.
  period date primary key,
  -- JSON, signed.
  document text not null
);
