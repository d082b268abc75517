-- Who exists, how they prove it, and whom we must still forget. Owner: packages/accounts, role sealpost_account.
-- Days are stored where a day is enough: no column of this schema tells at what time somebody did something.

create table account.account (
  -- Random (version 4), not version 7: a time-ordered id would tell the millisecond of registration to everyone who sees it.
  id uuid primary key,
  -- The two parts of the bare JID in canonical form (RFC 7622 §3), ordered by bytes so that pages follow the index. Erased with the row.
  domain text collate "C" not null,
  localpart text collate "C" not null,
  -- terminated: credentials are gone, the owners of data are still erasing. The row goes when the last of them is done.
  state text not null check (state in ('active', 'suspended', 'terminated')),
  -- A short code of the operator's choice, never prose about a person. Cleared when the account is restored or terminated.
  suspension_reason text check (suspension_reason ~ '^[a-z][a-z0-9_-]{0,31}$'),
  -- Shown to the operator; the basis of expiring accounts that were never used.
  created_on date not null,
  -- Day of the last sign-in, for expiring abandoned accounts; written at most once a day, in batches.
  last_used_on date,
  unique (domain, localpart),
  check ((suspension_reason is null) = (state <> 'suspended'))
);

-- SCRAM verifiers (RFC 5802 §3), the only form in which a password exists here. Erased in the transaction that terminates the account.
create table account.credential (
  account_id uuid not null references account.account (id) on delete cascade,
  hash text not null check (hash in ('SHA-256', 'SHA-1')),
  salt bytea not null,
  iterations integer not null check (iterations > 0),
  stored_key bytea not null,
  server_key bytea not null,
  primary key (account_id, hash)
);

-- A name that belonged to somebody must never be given to somebody else: their correspondents would write to a stranger. Kept for
-- ever, therefore not as the name but as its HMAC-SHA-256: no listing, export or stray page shows who once was here. Whoever holds
-- this schema can still test a name they already suspect; that is exactly the question the server itself has to ask.
create table account.tombstone (
  name_hash bytea primary key
);

-- Keys that all processes share, made here and never changed. tombstone: of the hashes above (changing it would free every retired name).
-- decoy: of the SCRAM salts shown for names nobody has (changing it would tell those names apart from accounts).
create table account.secret (
  purpose text primary key check (purpose in ('tombstone', 'decoy')),
  key bytea not null
);
insert into account.secret (purpose, key)
select purpose, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) from unnest(array['tombstone', 'decoy']) as purpose;

-- The erasure ledger: one row for each owner of data who has not yet forgotten a terminated account, worked off until done.
-- Erased together with the account row when the last owner is done; account_id is no foreign key so that order stays ours.
create table account.erasure (
  account_id uuid not null,
  owner text not null,
  requested_on date not null,
  -- Null: still to be done, asked again at every start and periodically.
  done_on date,
  primary key (account_id, owner)
);
create index erasure_pending on account.erasure (owner, requested_on) where done_on is null;

-- Keys of scripts and administrators. Erased when revoked, or 30 days after they expired.
create table account.api_key (
  id uuid primary key,
  -- SHA-256 of the token: 256 random bits need no salt, and the table cannot be used to sign in.
  token_hash bytea not null unique,
  -- What the operator calls it, so that the right one is revoked.
  label text not null,
  -- resource:action; '*' is an administrator.
  scopes text[] not null,
  created_on date not null,
  -- Last day on which it works; null: until revoked.
  expires_on date,
  -- Day of last use, for finding keys nobody needs any more; written at most once a day.
  last_used_on date
);

-- One-time links: for the next administrator, or for the owner of an account to choose a password. Erased when used, when replaced by
-- a newer one for the same account, or at the next new invite after they expired: a used link leaves nothing behind.
create table account.invite (
  -- SHA-256 of the token in the link.
  token_hash bytea primary key,
  purpose text not null check (purpose in ('admin', 'password')),
  -- Whose password it sets; null for an administrator.
  account_id uuid unique references account.account (id) on delete cascade,
  expires_at timestamptz not null,
  check ((account_id is null) = (purpose = 'admin'))
);
