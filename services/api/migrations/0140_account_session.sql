-- Owners of accounts who are signed in to their page. Erased when they sign out, at rest or in the end (services/api/src/joining), and with the account.
create table api.account_session (
  -- SHA-256 of the cookie.
  token_hash bytea primary key,
  account_id uuid not null,
  -- The account's count of sign-outs at that time: a session from before the last one is over.
  sign_outs integer not null,
  -- Times, not days: each ends the session within minutes or hours. seen_at is written at most once a minute.
  started_at timestamptz not null,
  seen_at timestamptz not null
);
create index account_session_account on api.account_session (account_id);
create index account_session_started on api.account_session (started_at);
