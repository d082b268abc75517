-- Verifiers that another server made, of accounts that were imported from it. They only check passwords that arrive as such: their salts and iterations are not
-- ours, and would tell these accounts apart from names that nobody has. Gone as soon as the account has verifiers of its own, which are made from the password
-- at its first right use; in the transaction that terminates the account; and with its row.
create table account.foreign_verifier (
  account_id uuid primary key references account.account (id) on delete cascade,
  -- As in account.credential.
  hash text not null check (hash in ('SHA-256', 'SHA-1')),
  salt bytea not null check (length(salt) between 1 and 64),
  -- No more than ours, so that checking takes no longer than for anybody else.
  iterations integer not null check (iterations between 4096 and 10000),
  stored_key bytea not null,
  server_key bytea not null
);
