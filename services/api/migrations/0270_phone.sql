-- Numbers that owners of accounts have confirmed, where the operator wants that. Erased with the account, and when its owner says so.
create table api.phone (
  account_id uuid primary key,
  -- HMAC-SHA-256 of the number under phone.key, which lies in the data directory. Null: none was confirmed yet.
  number_hash bytea check (octet_length(number_hash) = 32),
  confirmed_on date,
  -- The same of a number to which a code was sent. Null, with what follows: none is waited for.
  pending_hash bytea check (octet_length(pending_hash) = 32),
  -- HMAC-SHA-256 of account and code.
  code_hash bytea check (octet_length(code_hash) = 32),
  tries smallint not null default 0,
  expires_at timestamptz,
  check ((number_hash is null) = (confirmed_on is null)),
  check ((pending_hash is null) = (code_hash is null) and (code_hash is null) = (expires_at is null))
);

-- How many codes went to a number, and were asked for by an account, on a day. Rows go after that day.
create table api.phone_send (
  -- HMAC-SHA-256 under phone.key: without it the row leads to nobody.
  subject bytea not null check (octet_length(subject) = 32),
  day date not null,
  sends smallint not null,
  primary key (subject, day)
);
