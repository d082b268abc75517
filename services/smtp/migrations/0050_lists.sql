-- Mailing lists of accounts, and who has confirmed to want their mail. Owner: services/smtp.

-- Rows go with the account, or when its owner deletes the list.
create table smtp.list (
  -- Random.
  id uuid primary key,
  -- Id in schema account, which this role cannot read.
  account_id uuid not null,
  -- What the account calls it, as it stands in List-Id (RFC 2919), in lower case.
  list_id text collate "C" not null,
  unique (account_id, list_id)
);

-- One row for each address that was asked to confirm. Nobody is named: an address is an HMAC under a key that is in a file beside the database. Rows go with the
-- list; an address that does not confirm, after seven days; one that left stays, so that it is not asked again.
create table smtp.list_member (
  list uuid not null references smtp.list (id) on delete cascade,
  -- Of the list and the address.
  address bytea not null,
  -- SHA-256 of the token in the mail that asks; null once the link was used.
  token_hash bytea unique,
  -- The link works until then.
  expires_at timestamptz,
  -- The day (UTC) of the confirmation: the record of the consent.
  confirmed_on date,
  -- The day (UTC) on which it left: no mail of the list reaches it any more.
  left_on date,
  primary key (list, address),
  check ((token_hash is null) = (expires_at is null)),
  check (num_nonnulls(token_hash, confirmed_on, left_on) > 0)
);
create index list_member_expires_at on smtp.list_member (expires_at) where expires_at is not null;
