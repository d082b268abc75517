-- Sessions end when their plan, or the server, said at their beginning. Those that are open have no such times: their owners sign in again.
delete from api.account_session;
drop index api.account_session_started;
alter table api.account_session
  -- At rest for so many seconds it is over.
  add column rest_seconds integer not null check (rest_seconds > 0),
  -- Then it is over in any case.
  add column ends_at timestamptz not null;
create index account_session_ends on api.account_session (ends_at);
