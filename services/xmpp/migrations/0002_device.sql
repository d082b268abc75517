-- Devices of an account: who has a delivery queue of its own.
-- Rows go when the device has not signed in for 30 days, when the user revokes it, and with the account.
create table device (
  -- Whose device; the account lives in another schema, so there is no foreign key.
  account_id uuid not null,
  -- Random name of the device's queue; stands in the keyring, never on the wire.
  device_id uuid not null default gen_random_uuid(),
  -- SHA-256 of account and the client's own name for itself (its resource): recognised again, not readable.
  identity bytea not null,
  -- 1: seen once, shares the account's queue; 2: registered, has its own.
  sign_ins smallint not null default 1,
  -- Still has to take what waited in the account's queue when it was registered.
  inherits boolean not null default false,
  -- Asked for carbon copies when last here (XEP-0280): decides what is kept for it while it is away.
  carbons boolean not null default false,
  -- Dates only: told to the user, and the clock of ageing out.
  created_on date not null default current_date,
  last_seen_on date not null default current_date,
  primary key (account_id, identity)
);
