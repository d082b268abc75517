-- How often everything that was signed in was signed out. What began at a lower count is over. A number, no time; goes with the account.
alter table account.account add column sign_outs integer not null default 0;

-- Passwords for single programs of an account's owner. Gone when revoked, and in the transaction that terminates the account.
create table account.app_password (
  -- Random: it is revoked by this.
  id uuid primary key,
  account_id uuid not null references account.account (id) on delete cascade,
  -- What the program puts after the account's name when it signs in: name+tag.
  tag text collate "C" not null check (tag ~ '^[b-z][b-z2-9]{7}$'),
  -- What the owner calls it, so that the right one is revoked. Shown to nobody else.
  name text not null check (length(name) between 1 and 64),
  -- What it opens.
  scopes text[] not null check (scopes <@ array['chat', 'mail', 'api'] and cardinality(scopes) > 0),
  created_on date not null,
  -- For finding those that are not needed any more; written once a day. Dovecot does not tell.
  last_used_on date,
  unique (account_id, tag)
);

-- Their SCRAM verifiers, as in account.credential.
create table account.app_credential (
  app_password_id uuid not null references account.app_password (id) on delete cascade,
  hash text not null check (hash in ('SHA-256', 'SHA-1')),
  salt bytea not null,
  iterations integer not null check (iterations > 0),
  stored_key bytea not null,
  server_key bytea not null,
  primary key (app_password_id, hash)
);

-- Whom a mailbox server (infra/dovecot) lets in by which verifier, in the notation of account.mail_login: `login` is what is signed in with, `address` whose
-- mailbox it opens. Accounts by their own password, and by those of their app passwords that are for mail. Nobody may read it until an operator grants it.
create view account.mail_sign_in with (security_barrier) as
select mail_login.address as login, mail_login.address, mail_login.password from account.mail_login
union all
select
  account.localpart || '+' || app_password.tag || '@' || account.domain,
  account.localpart || '@' || account.domain,
  '{SCRAM-SHA-256}' || credential.iterations || ',' || encode(credential.salt, 'base64') || ',' || encode(credential.stored_key, 'base64') || ','
    || encode(credential.server_key, 'base64')
from account.account
join account.app_password on app_password.account_id = account.id
join account.app_credential credential on credential.app_password_id = app_password.id
where account.state = 'active' and credential.hash = 'SHA-256' and 'mail' = any(app_password.scopes);
